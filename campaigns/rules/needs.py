"""What offers ask besides the cart, known once they are made. Plain Python.

Conditions and benefits ask ``Facts``. Somebody has to read those beforehand, and only
those: an offer that looks at nothing but lines is never told anything.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from campaigns.rules.benefits import FreeItem, Tiered
from campaigns.rules.conditions import (
    AnyOf,
    Carries,
    Condition,
    DeliveredBy,
    Every,
    InGroup,
    Not,
    NthOrder,
    Quantity,
    SinceLastOrder,
    Worth,
)
from orders.rules.gifts import GiftArticle

#: Conditions that look at lines alone.
_OF_LINES = (Worth, Quantity, DeliveredBy)
_OF_ORDERS = (NthOrder, SinceLastOrder)
_NONE: frozenset[str] = frozenset()
_CODE, SEGMENT = "code:", "segment:"


# Nobody changes one; not frozen, as ``Indexed`` is not.
@dataclass(slots=True, unsafe_hash=True)
class Needs:
    """What some offers ask."""

    #: How often and when the buyer ordered before (C12).
    orders: bool = False
    #: What the buyer may belong to, such as ``tier:gold``.
    audiences: frozenset[str] = frozenset()
    #: SKUs that may come as gifts (S16).
    gifts: frozenset[str] = frozenset()
    #: Ids of budgets they spend (S21).
    budgets: frozenset[int] = frozenset()
    #: Ids of promotions that have only so many units to give (S21).
    limited: frozenset[str] = frozenset()
    #: Which segments the buyer is in, though no audience names one: prices may.
    segments: bool = False
    #: Codes, as marks: ``code:SAVE``. Others change nothing.
    codes: frozenset[str] = frozenset()

    @property
    def is_read(self) -> bool:
        """Whether the database is to be asked."""
        some = self.gifts or self.budgets or self.limited
        return self.orders or self.segments or bool(some)

    def __or__(self, other: "Needs") -> "Needs":
        """Return what both ask."""
        return Needs(
            self.orders or other.orders,
            self.audiences | other.audiences,
            self.gifts | other.gifts,
            self.budgets | other.budgets,
            self.limited | other.limited,
            self.segments or other.segments,
            self.codes | other.codes,
        )

    def covers(self, other: "Needs") -> bool:
        """Tell whether who knows this knows what the other wants to be read."""
        return (
            (self.orders or not other.orders)
            and self.gifts >= other.gifts
            and self.budgets >= other.budgets
            and self.limited >= other.limited
            and (self.segments or not other.segments)
        )


NOTHING = Needs()


@dataclass(frozen=True, slots=True)
class Told:
    """What was read for ``needs``; a gift that is missing is not to be had."""

    needs: Needs = NOTHING
    orders_before: int = 0
    last_order_at: datetime | None = None
    articles: Mapping[str, GiftArticle] = field(default_factory=dict)
    #: What is left of budgets, in minor units; by their ids.
    budgets_left: Mapping[int, int] = field(default_factory=dict)
    #: How many units promotions have left to give; by their ids.
    units_left: Mapping[str, int] = field(default_factory=dict)
    #: Marks of the segments the buyer is in.
    segments: frozenset[str] = frozenset()

    def __or__(self, other: "Told") -> "Told":
        """Return what both know; of orders, what the one says that was asked."""
        about_orders = self if self.needs.orders else other
        return Told(
            self.needs | other.needs,
            about_orders.orders_before,
            about_orders.last_order_at,
            {**self.articles, **other.articles},
            {**self.budgets_left, **other.budgets_left},
            {**self.units_left, **other.units_left},
            self.segments | other.segments,
        )


def needs_of(offer: Any) -> Needs | None:
    """Return what an offer asks besides the cart; None where it asks nothing."""
    leaves = _leaves(getattr(offer, "conditions", None))
    asking = [each for each in leaves if not isinstance(each, _OF_LINES)]
    gifts = _gifts(getattr(offer, "benefit", None))
    budget_id = getattr(offer, "budget_id", None)
    is_limited = getattr(offer, "units_left", None) is not None
    if not asking and not gifts and budget_id is None and not is_limited:
        return None
    orders, audiences, codes = _asked(asking) if asking else (False, _NONE, _NONE)
    return Needs(
        orders=orders,
        audiences=audiences,
        codes=codes,
        gifts=frozenset(gifts),
        budgets=frozenset() if budget_id is None else frozenset({budget_id}),
        limited=frozenset({offer.source_id}) if is_limited else frozenset(),
    )


def all_of(needs: Iterable[Needs]) -> Needs:
    """Return what several offers ask together."""
    some = [each for each in needs if each is not NOTHING]
    return Needs(
        any(each.orders for each in some),
        frozenset[str]().union(*[each.audiences for each in some]),
        frozenset[str]().union(*[each.gifts for each in some]),
        frozenset[int]().union(*[each.budgets for each in some]),
        frozenset[str]().union(*[each.limited for each in some]),
        any(each.segments for each in some),
        frozenset[str]().union(*[each.codes for each in some]),
    )


def _leaves(condition: Condition | None) -> list[Condition]:
    """Return the questions of a tree of conditions."""
    if condition is None:
        return []
    if isinstance(condition, Not):
        return _leaves(condition.condition)
    if isinstance(condition, (Every, AnyOf)):
        return [leaf for each in condition.of for leaf in _leaves(each)]
    return [condition]


def _asked(
    asking: Iterable[Condition],
) -> tuple[bool, frozenset[str], frozenset[str]]:
    """Return whether orders are asked for, what the buyer may belong to, and codes."""
    orders = False
    audiences: set[str] = set()
    codes: set[str] = set()
    for each in asking:
        if isinstance(each, Carries):
            for mark in each.marks:
                (codes if mark.startswith(_CODE) else audiences).add(mark)
        elif isinstance(each, InGroup):
            audiences |= each.groups
        elif isinstance(each, _OF_ORDERS):
            orders = True
    return orders, frozenset(audiences), frozenset(codes)


def _gifts(benefit: Any) -> list[str]:
    if isinstance(benefit, FreeItem):
        return [gift.sku for gift in benefit.choices]
    if isinstance(benefit, Tiered):
        steps = (benefit.base, *(step for _from, step in benefit.steps))
        return [sku for each in steps for sku in _gifts(each)]
    return []
