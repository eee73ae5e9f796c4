"""Scopes and conditions of the wire format as the engine's. Plain Python."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from campaigns.rules.conditions import (
    NOBODY,
    AnyOf,
    Condition,
    DeliveredBy,
    Every,
    Facts,
    InGroup,
    Not,
    NthOrder,
    PriceListIn,
    Quantity,
    SinceLastOrder,
    Worth,
)
from campaigns.rules.policies import Policies
from campaigns.rules.scopes import ADDON, ALL, Scope, delivery
from campaigns.rules.wire.reading import (
    Money,
    NotExpressible,
    chosen,
    known_keys,
    texts,
    whole,
)
from orders.rules.lines import ON_SALE
from orders.rules.taxes import NO_TAXES, Taxes


@dataclass(frozen=True, slots=True)
class Context:
    """What all promotions of a case share."""

    money: Money
    policies: Policies
    taxes: Taxes = NO_TAXES
    facts: Facts = NOBODY
    #: SKU -> what it costs, of goods a promotion may add.
    catalog: Mapping[str, int] = field(default_factory=dict)


def scope_of(given: Any, context: Context) -> Scope:
    """Return a scope: several keys must all hold."""
    if not given or given == "all":
        return _everything(context)
    known_keys("scope", given, _SCOPE_KEYS)
    if "methods" in given:
        # No line is delivery and goods: several keys must all hold.
        known_keys("scope of methods", given, {"methods", "all"})
        return delivery(texts(given["methods"]))
    avoids = set(_everything(context).avoids)
    if given.get("exclude_addons"):
        avoids.add(ADDON)
    if given.get("exclude_on_sale"):
        avoids.add(ON_SALE)
    needs = tuple(
        frozenset(f"{mark}:{each}" for each in texts(given[key]))
        for key, mark in _SCOPE_MARKS.items()
        if key in given
    )
    bounds = {
        key: None if given.get(key) is None else context.money.read(given[key])
        for key in _BOUNDS
    }
    return Scope(
        needs=needs,
        avoids=frozenset(avoids),
        any_of=tuple(scope_of(each, context) for each in given.get("any_of") or ()),
        without=_excluded(given.get("exclude"), context),
        least_unit_minor=bounds["min_unit_price"],
        most_unit_minor=bounds["max_unit_price"],
        at_full_price=bool(given.get("exclude_on_sale")),
    )


_SCOPE_MARKS = {"skus": "sku", "products": "model", "categories": "category"}
_BOUNDS = ("min_unit_price", "max_unit_price")
_SCOPE_KEYS = {
    *_SCOPE_MARKS,
    *_BOUNDS,
    *("all", "methods", "any_of", "exclude"),
    *("exclude_addons", "exclude_on_sale"),
}


def _everything(context: Context) -> Scope:
    if context.policies.addons == "excluded":
        return Scope(avoids=frozenset({ADDON}))
    return ALL


def _excluded(given: Any, context: Context) -> tuple[Scope, ...]:
    """Return what is left out: a scope with one key or several, any of which does.

    Both bounds of a price are one: what lies between them.
    """
    if not given:
        return ()
    if isinstance(given, list):
        if all(isinstance(each, str) for each in given):
            return (scope_of({"skus": given}, context),)
        return tuple(scope_of(each, context) for each in given)
    bounds = {key: given[key] for key in _BOUNDS if key in given}
    parts = [{key: given[key]} for key in given if key not in bounds]
    return tuple(scope_of(each, context) for each in [*parts, bounds] if each)


def condition_of(given: Mapping[str, Any], context: Context) -> Condition:
    """Return one condition, or a tree of them."""
    for key in given.keys() & {"any", "all"}:
        known_keys("condition", given, {key})
        parts = tuple(condition_of(each, context) for each in given[key])
        return AnyOf(parts) if key == "any" else Every(parts)
    if "not" in given:
        known_keys("condition", given, {"not"})
        return Not(condition_of(given["not"], context))
    kind = given.get("type")
    if kind in _WORTH:
        return _worth(given, context)
    if kind in _COUNTS:
        return _count(given, context)
    if kind not in _FACTS:
        raise NotExpressible(f"condition {kind}")
    known_keys(f"condition {kind}", given, {"type", "value", "values", "groups"})
    return _FACTS[kind](given.get("value", given.get("values", given.get("groups"))))


def _first_order(value: Any) -> Condition:
    return NthOrder(1) if value in {None, True, "true"} else Not(NthOrder(1))


_FACTS: dict[Any, Callable[[Any], Condition]] = {
    "first_order": _first_order,
    "member_group_in": lambda value: InGroup(frozenset(texts(value))),
    "nth_order": lambda value: NthOrder(whole(value)),
    "days_since_last_order_gte": lambda value: SinceLastOrder(whole(value)),
    "price_list_in": lambda value: PriceListIn(frozenset(texts(value))),
    "shipping_method_in": lambda value: DeliveredBy(frozenset(texts(value))),
}
_WORTH = {"min_subtotal", "subtotal", "order_total"}
_COUNTS = {"min_quantity", "min_line_quantity", "min_distinct_skus"}


def _worth(given: Mapping[str, Any], context: Context) -> Condition:
    kind = given["type"]
    known_keys(
        f"condition {kind}",
        given,
        {"type", "value", "op", "scope", "basis", "tax_basis", "currency"},
    )
    if given.get("currency", context.money.currency) != context.money.currency:
        # A threshold in another currency is never reached (currency.unset).
        return Not(Every())
    bases = {"before_discounts", "after_previous_discounts", "after_previous_lanes"}
    with_delivery = "total_including_shipping"
    basis = given.get("basis")
    if basis is not None:
        chosen("basis", basis, {*bases, with_delivery})
    return Worth(
        context.money.read(given["value"]),
        chosen("op", given.get("op", "gte"), {"gte", "gt", "lte", "lt", "eq"}),  # type: ignore[arg-type]
        scope_of(given.get("scope"), context),
        with_delivery if kind == "order_total" else basis,  # type: ignore[arg-type]
        chosen("tax_basis", given.get("tax_basis", ""), {"", "net", "gross"}),
    )


def _count(given: Mapping[str, Any], context: Context) -> Condition:
    kind = given["type"]
    known_keys(f"condition {kind}", given, {"type", "value", "scope", "group"})
    how, _colon, attribute = str(given.get("group", "any")).partition(":")
    chosen("group", how, {"any", "same", "distinct"})
    if kind == "min_distinct_skus":
        how, attribute = "distinct", "sku"
    return Quantity(
        whole(given["value"]),
        scope_of(given.get("scope"), context),
        same=attribute if how == "same" else "",
        distinct=attribute if how == "distinct" else "",
        per_line=kind == "min_line_quantity",
    )
