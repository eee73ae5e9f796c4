"""The face of the engine to the outside: a case in, an answer out. Plain Python.

A case is ``{"id", "given"}``; ``steps`` (in the case or in ``given``) happen one after
another in a shop that lives as long as the case: codes come and go, orders are placed
and cancelled, uses are counted. What cannot be said in the engine's terms is answered
``{"not_expressible": "why"}``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from math import lcm
from typing import Any

from campaigns.rules.policies import UnknownPolicy, policies_of
from campaigns.rules.rounding import split
from campaigns.rules.wire import points as earning
from campaigns.rules.wire import refunds as refunding
from campaigns.rules.wire.answer import answer
from campaigns.rules.wire.history import (
    HISTORY,
    granted_before,
    member_of,
    uses_before,
    wallet_of,
)
from campaigns.rules.wire.pricing import State
from campaigns.rules.wire.reading import (
    Money,
    NotExpressible,
    known_keys,
    texts,
)
from campaigns.rules.wire.shop import Shop

_GIVEN = {
    *("currency", "now", "channel", "price_list", "lines", "catalog", "category_tree"),
    *("shipping", "surcharges", "tax", "member", "promotions", "codes", "history"),
    *("policies", "gift_cards", "wallet", "steps"),
    *earning.GIVEN,
    *refunding.GIVEN,
}
_PRORATE = {"prorate", "policies", "currency"}


def answer_case(case: Mapping[str, Any]) -> dict[str, Any]:
    """Answer one case; never raises for what a case says.

    Raises:
        EngineFailed: the case could be read, and the engine broke on it.
    """
    name = {"id": case.get("id")}
    try:
        known_keys("case", case, {"id", "given", "steps", "expect", "policies", "tags"})
        return name | _answered(case)
    except (NotExpressible, UnknownPolicy) as why:
        return name | {"not_expressible": str(why)}
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as broken:
        # A part that is missing or of another shape: the engine cannot know it.
        why_not = f"{type(broken).__name__}: {broken}"
        return name | {"not_expressible": why_not}


def _answered(case: Mapping[str, Any]) -> dict[str, Any]:
    given = case["given"]
    if "prorate" in given:
        known_keys("given", given, _PRORATE)
        return _prorated(given)
    known_keys("given", given, _GIVEN)
    named = {
        # A tag may name a policy, as in ``priority.direction=lower_first``.
        **_named([tag for tag in case.get("tags") or () if "=" in tag]),
        **_named(case.get("policies") or {}),
        **_named(given.get("policies") or {}),
    }
    points = _taken_from(named, earning.POLICIES)
    refunds = _taken_from(named, refunding.POLICIES)
    state = _state_of(given, named)
    steps = case.get("steps") or given.get("steps") or ()
    if any(step.get("do") == "pay_with_wallet" for step in steps):
        state = replace(state, wallet_minor=0)
    shop = Shop(state)
    for step in steps:
        shop.do(step)
    told = answer(shop.state, shop.priced())
    if "earn_rules" in given:
        told |= earning.earned(shop.state, shop.priced(), points)
    elif points:
        raise NotExpressible(f"policy {min(points)} without earn_rules")
    if "refund" in given:
        told |= refunding.refunded(shop.state, shop.priced(), refunds)
    elif refunds:
        raise NotExpressible(f"policy {min(refunds)} without refund")
    return told | ({"steps": shop.log} if shop.log else {})


def _taken_from(named: dict[str, Any], known: Iterable[str]) -> dict[str, Any]:
    """Take the policies out that another part of the case is about."""
    return {name: named.pop(name) for name in known if name in named}


def _prorated(given: Mapping[str, Any]) -> dict[str, Any]:
    """Split an amount over weights as allocations are split."""
    asked = given["prorate"]
    known_keys("prorate", asked, {"amount", "weights"})
    policies = policies_of(_named(given.get("policies") or {}))
    money = Money(
        str(given.get("currency") or ""),
        whole_units=policies.rounding_currency_exponent == "0",
    )
    weights = [Fraction(str(each)) for each in asked["weights"]]
    scale = lcm(*(each.denominator for each in weights))
    parts = split(
        money.read(asked["amount"]), [int(each * scale) for each in weights], policies
    )
    return {"shares": [money.write(part) for part in parts]}


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
        lines=tuple(given.get("lines") or ()),
        codes=texts(given.get("codes")),
        member=member_of(given.get("member")),
        uses=(
            *uses_before(given, history, policies),
            *granted_before(given, history, money),
        ),
        orders=tuple(history.get("orders") or ()),
        wallet_minor=wallet_of(given, money),
    )


def _named(policies: Any) -> Mapping[str, Any]:
    """Return policies by name; they may come as texts such as ``stacking=...``."""
    if isinstance(policies, Mapping):
        return policies
    pairs = (str(each).partition("=") for each in policies)
    return {name.strip(): value.strip() for name, _equals, value in pairs}
