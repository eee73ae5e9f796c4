"""A promotion of the wire format as the engine's ``Promotion``. Plain Python."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from campaigns.rules.benefits import (
    WHOLE,
    Amount,
    Benefit,
    BuyGet,
    FirstNext,
    FixedPrice,
    FreeItem,
    Percent,
    QuantityGroup,
    SetPrice,
    Tiered,
)
from campaigns.rules.conditions import Condition, Every, Quantity
from campaigns.rules.policies import Policies
from campaigns.rules.promotions import Promotion
from campaigns.rules.scopes import Scope, delivery
from campaigns.rules.selections import Selection
from campaigns.rules.wire.conditions import Context, condition_of, scope_of
from campaigns.rules.wire.reading import (
    NotExpressible,
    chosen,
    count,
    known_keys,
    rate,
    texts,
    whole,
)
from campaigns.rules.wire.units import REPEATING, repeats_of, units_for
from orders.rules.offers import Gift, Stage

STAGES = {
    "catalog": Stage.PRICE,
    "items": Stage.ITEM,
    "order": Stage.ORDER,
    "shipping": Stage.FREIGHT,
}
_KEYS = {
    *("id", "name", "trigger", "code", "codes", "conditions", "target", "scope"),
    *("benefit", "allocation", "cap", "max_affected_units", "max_units_per_line"),
    *("skip_discounted", "priority", "exclusive", "stacking", "lane", "limits"),
    *("window", "code_window", "channels", "campaign", "currency", "active"),
}
_MODIFIERS = {"type", "select", "group_size", "max_units", "repeat"}
_BENEFIT_KEYS = {
    "percent": {"value"},
    "amount": {"value", "per"},
    "fixed_price": {"value", "per"},
    "cheapest_free": {"qty"},
    "free_item": {"sku", "qty", "every"},
    "buy_get": {"buy", "get", "percent"},
    "free_shipping": set(),
    "tiered_percent": {"base", "tiers", "by"},
    "tiered_amount": {"base", "tiers", "by", "per"},
    "first_next_amount": {"first", "next"},
    "quantity_group": {"value", "percent"},
}
_MEASURES = {
    **{"value": "value", "subtotal": "value", "amount": "value"},
    **{"quantity": "quantity", "qty": "quantity"},
    **{"order_value": "order_value", "order_subtotal": "order_value"},
    **{"line_value": "line_value", "line_quantity": "line_quantity"},
}


def promotion_of(given: Mapping[str, Any], rank: int, context: Context) -> Promotion:
    """Return one promotion, without what limits its use.

    Raises:
        NotExpressible: it says something the engine has no words for.
    """
    known_keys("promotion", given, _KEYS)
    target = chosen("target", given.get("target", "items"), STAGES)
    if given["benefit"].get("type") == "free_shipping":
        # Whatever it stands on, delivery is what it makes free.
        target = "shipping"
    scope = _scope_for(target, given, context)
    conditions = [condition_of(each, context) for each in given.get("conditions") or ()]
    benefit, selection = _benefit(given, scope, conditions, context)
    cap = given.get("cap")
    if isinstance(cap, Mapping):
        known_keys("cap", cap, {"amount"})
        cap = cap["amount"]
    skips_discounted = bool(given.get("skip_discounted"))
    skips_discounted |= context.policies.discounted_items == "skipped"
    return Promotion(
        source_id=str(given["id"]),
        name=str(given.get("name", given["id"])),
        benefit=benefit,
        stage=STAGES[target],
        scope=replace(scope, at_full_price=scope.at_full_price or skips_discounted),
        conditions=Every(tuple(conditions)),
        selection=selection,
        is_whole=target == "order",
        cap_minor=None if cap is None else context.money.price(cap),
        most_times=_most_times(given, context),
        skips_discounted=skips_discounted,
        policies=_policies_of(given, context.policies),
        taxes=context.taxes,
        facts=context.facts,
        priority=whole(given.get("priority") or 0),
        rank=rank,
        is_alone=bool(given.get("exclusive")),
    )


def _most_times(given: Mapping[str, Any], context: Context) -> int | None:
    """Return how often an amount per application is given; None is any number."""
    limits = given.get("limits") or {}
    most, asked = (
        limits.get("max_applications_per_order"),
        given["benefit"].get("repeat"),
    )
    if most is not None:
        return count(most)
    if asked and not isinstance(asked, bool):
        return count(asked)
    return None if asked or context.policies.application_repeat in REPEATING else 1


def _policies_of(given: Mapping[str, Any], policies: Policies) -> Policies:
    """Return the policies, with what one promotion says of stacking and sharing."""
    how = given.get("stacking")
    if how == "additive_on_original":
        policies = replace(policies, stacking="additive_on_original")
    elif how is not None and how != "sequential" and not isinstance(how, list):
        raise NotExpressible(f"stacking {how}")
    shared = given.get("allocation")
    if shared == "once" and "max_affected_units" in given:
        return policies
    if shared is None or given["benefit"]["type"] != "amount":
        return policies if shared in _SHARINGS else _unknown_sharing(shared)
    per = _per(given) or "order"
    if (shared == "across") == (per in {"order", "application"}) and shared != "once":
        return policies
    raise NotExpressible(f"allocation {shared} of an amount per {per}")


_SHARINGS = {None, "across", "each"}


def _unknown_sharing(shared: Any) -> Policies:
    raise NotExpressible(f"allocation {shared}")


def _scope_for(target: str, given: Mapping[str, Any], context: Context) -> Scope:
    scope = given.get("scope")
    if target == "shipping":
        scope = scope or {}
        known_keys("scope of shipping", scope, {"all", "methods", "exclude"})
        without = scope.get("exclude") or {}
        known_keys("exclude of shipping", without, {"methods"})
        avoids = frozenset(f"method:{each}" for each in texts(without.get("methods")))
        return replace(delivery(texts(scope.get("methods"))), avoids=avoids)
    if scope and scope != "all" and "methods" in scope:
        raise NotExpressible("scope of goods: methods")
    return scope_of(scope, context)


def _benefit(
    given: Mapping[str, Any],
    scope: Scope,
    conditions: Sequence[Condition],
    context: Context,
) -> tuple[Benefit, Selection]:
    benefit = given["benefit"]
    kind = chosen("benefit", benefit.get("type"), _BENEFIT_KEYS)
    known_keys(f"benefit {kind}", benefit, _BENEFIT_KEYS[kind] | _MODIFIERS)
    made = _MAKERS[kind](given, benefit, scope, conditions, context)
    return made, units_for(made, given, conditions, context)


def _percent(given, benefit, scope, conditions, context) -> Benefit:
    return Percent(rate(benefit["value"]))


def _amount(given, benefit, scope, conditions, context) -> Benefit:
    per = _per(given)
    pers = {"order", "line", "unit", "application", "method"}
    if per is None:
        raise NotExpressible("amount without per")
    kind: Any = chosen("per", per, pers)
    return Amount(context.money.price(benefit["value"]), kind)


def _per(given: Mapping[str, Any]) -> str | None:
    """Return per what an amount is; sharing says it of delivery that does not."""
    is_shared = given.get("allocation") == "across"
    usual = {"order": "order", "shipping": "order" if is_shared else "method"}
    return given["benefit"].get("per", usual.get(given.get("target", "")))


def _fixed_price(given, benefit, scope, conditions, context) -> Benefit:
    price = context.money.price(benefit["value"])
    per = chosen("per", benefit.get("per", "order"), {"order", "set"})
    if per == "order":
        return FixedPrice(price)
    counts = [each for each in conditions if isinstance(each, Quantity)]
    parts: tuple[tuple[Scope, int], ...] = ()
    if len(counts) > 1 and "group_size" not in benefit:
        parts = tuple((each.scope, each.value) for each in counts)
    size = benefit.get("group_size") or (counts[0].value if counts else None)
    if size is None:
        raise NotExpressible("a price per set that does not say what a set is")
    repeats = repeats_of(given, context)
    return SetPrice(
        price,
        count(size),
        repeats,
        distinct=counts[0].distinct if counts else "",
        dearest_first=context.policies.target_order == "most_expensive_first",
        parts=parts,
    )


def _cheapest_free(given, benefit, scope, conditions, context) -> Benefit:
    return Percent(WHOLE)


def _free_item(given, benefit, scope, conditions, context) -> Benefit:
    sku, quantity = str(benefit["sku"]), count(benefit.get("qty", 1))
    every = count(benefit.get("every") or 0)
    if context.policies.free_item_mode == "discount_on_unit_in_cart":
        gifts = Scope(needs=(frozenset({f"sku:{sku}"}),))
        return BuyGet(every, quantity, scope, gifts, repeats=None if every else 1)
    listed = context.catalog.get(sku, 0)
    most = (given.get("limits") or {}).get("max_applications_per_order")
    gift = Gift(sku, quantity, listed)
    return FreeItem((gift,), every, None if most is None else count(most))


def _buy_get(given, benefit, scope, conditions, context) -> Benefit:
    buy, get = benefit["buy"], benefit["get"]
    for part in (buy, get):
        known_keys("buy_get", part, {"qty", "scope"})
    repeat = benefit.get("repeat")
    how = context.policies.application_repeat
    repeats = repeats_of(given, context) if repeat is not None else None
    limited = (given.get("limits") or {}).get("max_applications_per_order")
    if repeat is None:
        repeats = None if how in REPEATING else 1
        repeats = count(limited) if limited is not None else repeats
    return BuyGet(
        count(buy["qty"]),
        count(get["qty"]),
        scope_of(buy["scope"], context) if "scope" in buy else scope,
        scope_of(get["scope"], context) if "scope" in get else scope,
        rate(benefit.get("percent", 100)),
        repeats,
    )


def _free_shipping(given, benefit, scope, conditions, context) -> Benefit:
    return Percent(WHOLE)


def _tiered(given, benefit, scope, conditions, context) -> Benefit:
    is_percent = benefit["type"] == "tiered_percent"
    usual = "line" if given.get("target", "items") == "items" else "order"
    per: Any = chosen("per", benefit.get("per", usual), {"order", "line", "unit"})
    by: Any = chosen("by", benefit.get("by", "value"), _MEASURES)
    is_count = "quantity" in _MEASURES[by]

    def step(value: Any) -> Benefit:
        if is_percent:
            return Percent(rate(value))
        return Amount(context.money.price(value), per)

    steps = []
    for each in benefit["tiers"]:
        known_keys("tier", each, {"from", "percent" if is_percent else "amount"})
        least = count(each["from"]) if is_count else context.money.price(each["from"])
        steps.append((least, step(each["percent" if is_percent else "amount"])))
    if not steps:
        raise NotExpressible("steps that are none")
    base = benefit.get("base")
    steps.sort(key=lambda each: each[0])
    measure: Any = _MEASURES[by]
    return Tiered(tuple(steps), None if base is None else step(base), measure)


def _first_next(given, benefit, scope, conditions, context) -> Benefit:
    most = count(benefit.get("max_units") or 0)
    if most and context.policies.first_next_beyond_max != "zero":
        raise NotExpressible("units beyond the last one")
    read = context.money.price
    return FirstNext(read(benefit["first"]), read(benefit["next"]), most)


def _quantity_group(given, benefit, scope, conditions, context) -> Benefit:
    size = count(benefit["group_size"], least=1)
    if "percent" in benefit:
        return QuantityGroup(size, rate=rate(benefit["percent"]))
    return QuantityGroup(size, context.money.price(benefit["value"]))


_MAKERS = {
    "percent": _percent,
    "amount": _amount,
    "fixed_price": _fixed_price,
    "cheapest_free": _cheapest_free,
    "free_item": _free_item,
    "buy_get": _buy_get,
    "free_shipping": _free_shipping,
    "tiered_percent": _tiered,
    "tiered_amount": _tiered,
    "first_next_amount": _first_next,
    "quantity_group": _quantity_group,
}
