"""The face of the engine to the outside: a case in, an answer out. Plain Python.

A case is ``{"id", "given"}``; ``steps`` (in the case or in ``given``) happen one after
another in a shop that lives as long as the case: codes come and go, orders are placed
and cancelled, uses are counted. What cannot be said in the engine's terms is answered
``{"not_expressible": "why"}``.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import lcm
from typing import Any

from campaigns.rules.policies import UnknownPolicy, policies_of
from campaigns.rules.rounding import split
from campaigns.rules.wire import club, memberships, refunds
from campaigns.rules.wire.history import (
    HISTORY,
    granted_before,
    member_of,
    uses_before,
    wallet_of,
)
from campaigns.rules.wire.policies import named_in, taken_from
from campaigns.rules.wire.pricing import State
from campaigns.rules.wire.reading import (
    Money,
    NotExpressible,
    known_keys,
    number,
    texts,
    whole,
)
from campaigns.rules.wire.shop import Shop
from campaigns.rules.wire.tidying import tidied

#: Every key a case may have.
GIVEN = {
    *("currency", "now", "channel", "price_list", "lines", "catalog", "category_tree"),
    *("shipping", "surcharges", "tax", "member", "promotions", "codes", "history"),
    *("policies", "gift_cards", "wallet", "steps"),
    *club.GIVEN,
    *refunds.GIVEN,
    *memberships.GIVEN,
}
_PRORATE = {"prorate", "policies", "currency"}


#: What reading a part comes to that is missing, of another shape, or out of bounds.
_BROKEN = (
    *(LookupError, TypeError, ValueError, AttributeError, ArithmeticError),
    RecursionError,
)
#: Objects and lists in one another: no case has so many, and each takes a call.
_DEEPEST = 100


def answer_case(case: Mapping[str, Any]) -> dict[str, Any]:
    """Answer one case; never raises for what a case says.

    Raises:
        EngineFailed: the case could be read, and the engine broke on it.
    """
    name = {"id": case.get("id")}
    if _is_too_deep(case):
        flat = None if isinstance(name["id"], list | dict) else name["id"]
        return {"id": flat, "not_expressible": f"nested deeper than {_DEEPEST}"}
    try:
        known_keys("case", case, {"id", "given", "steps", "expect", "policies", "tags"})
        return name | _answered(case)
    except (NotExpressible, UnknownPolicy) as why:
        return name | {"not_expressible": str(why)}
    except _BROKEN as broken:
        # A part that is missing or of another shape: the engine cannot know it.
        why_not = f"{type(broken).__name__}: {broken}"
        return name | {"not_expressible": why_not}


def _is_too_deep(case: Any) -> bool:
    """Tell whether a case is nested deeper than anybody means."""
    inside = [case]
    for _level in range(_DEEPEST):
        held = [each for each in inside if isinstance(each, Mapping | list)]
        inside = [
            part
            for each in held
            for part in (each.values() if isinstance(each, Mapping) else each)
        ]
    return bool(inside)


def _answered(case: Mapping[str, Any]) -> dict[str, Any]:
    given = tidied(case["given"])
    if "prorate" in given:
        known_keys("given", given, _PRORATE)
        return _prorated(given)
    known_keys("given", given, GIVEN)
    named = {
        # A tag may name a policy, as in ``priority.direction=lower_first``.
        **named_in([tag for tag in case.get("tags") or () if "=" in tag]),
        **named_in(case.get("policies")),
        **named_in(given.get("policies")),
    }
    policies = taken_from(named)
    state = _state_of(_with_discount(given), named)
    steps = case.get("steps") or given.get("steps") or ()
    if any(step.get("do") == "pay_with_wallet" for step in steps):
        state = replace(state, wallet_minor=0)
    shop = Shop(state, policies)
    for step in steps:
        shop.do(step)
    shop.settle(has_steps=bool(steps))
    told = shop.told() | memberships.answer(given, shop.state.member, policies)
    return told | ({"steps": shop.log} if shop.log else {})


def _with_discount(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a case whose order was lowered by an amount, as a promotion does it."""
    if given.get("order_discount") is None:
        return given
    lowered = {
        "id": "order_discount",
        "trigger": "automatic",
        "target": "order",
        "benefit": {"type": "amount", "value": given["order_discount"]},
    }
    return {**given, "promotions": [*(given.get("promotions") or ()), lowered]}


def _prorated(given: Mapping[str, Any]) -> dict[str, Any]:
    """Split an amount over weights as allocations are split."""
    asked = given["prorate"]
    known_keys("prorate", asked, {"amount", "weights"})
    policies = policies_of(named_in(given.get("policies")))
    money = Money(
        str(given.get("currency") or ""),
        whole_units=policies.rounding_currency_exponent == "0",
    )
    weights = [number(each) for each in asked["weights"]]
    scale = lcm(*(each.denominator for each in weights))
    amount = money.read(asked["amount"])
    # What goes back is split to the cent as what was paid.
    sign = -1 if amount < 0 else 1
    parts = split(abs(amount), [int(each * scale) for each in weights], policies)
    return {"shares": [money.write(sign * part) for part in parts]}


def _state_of(given: Mapping[str, Any], named: Mapping[str, Any]) -> State:
    policies = policies_of(named)
    history = given.get("history") or {}
    known_keys("history", history, HISTORY)
    money = Money(
        str(given.get("currency") or ""),
        whole_units=policies.rounding_currency_exponent == "0",
    )
    return State(
        given=given,
        policies=policies,
        money=money,
        # A line of no units is none, as one that is set to none.
        lines=tuple(e for e in given.get("lines") or () if whole(e.get("qty", 1))),
        codes=texts(given.get("codes")),
        member=member_of(given.get("member")),
        uses=(
            *uses_before(given, history, policies),
            *granted_before(given, history, money),
        ),
        orders=tuple(history.get("orders") or ()),
        wallet_minor=wallet_of(given, money),
    )
