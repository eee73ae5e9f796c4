"""What a unit that replaces another is worth, and when an exchange is even (R13, R14).

Plain Python.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from crm.shared.money import share
from orders.rules.refund_effects import Effect
from orders.rules.refunds import TenderRefund
from orders.rules.unit_prices import UnitPrice


@dataclass(frozen=True, slots=True)
class Taken:
    """What one reduction took off the whole line, with its points."""

    amount_minor: int
    points: int = 0


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What so many units of a line carry over to what replaces them.

    ``net = units × unit price - discount``; ``shares`` add up to the discount, one per
    reduction of the line, in order.
    """

    net_minor: int
    discount_minor: int
    shares: tuple[Taken, ...]

    @property
    def points(self) -> int:
        """Return the points spent on these units."""
        return sum(part.points for part in self.shares)


def is_even(
    *, then_minor: Sequence[int], old_now_minor: int, new_now_minor: int
) -> bool:
    """Whether two articles cost the same (R13).

    Either both cost the same today, or the new one costs today what the old one did on
    the day of the order (its list price, or the price of then).

    >>> is_even(then_minor=[9000, 10000], old_now_minor=12000, new_now_minor=10000)
    True
    """
    return new_now_minor == old_now_minor or new_now_minor in then_minor


def taken_over(
    *,
    units: int,
    unit_price_minor: int,
    amount_minor: int,
    points: int,
    reductions: Sequence[Taken],
) -> TakenOver:
    """Return what ``units`` of a line carry over.

    Args:
        amount_minor: what the refund of these units would give (R2).
        points: the spent points it would give back.
        reductions: what lowered the whole line.
    """
    discount = units * unit_price_minor - amount_minor
    amounts = share(discount, [part.amount_minor for part in reductions])
    return TakenOver(
        net_minor=amount_minor,
        discount_minor=discount,
        shares=_with_points(amounts, [part.points for part in reductions], points),
    )


def _with_points(
    amounts: Sequence[int], weights: Sequence[int], points: int
) -> tuple[Taken, ...]:
    """Share points over the reductions that are still there to carry them."""
    carrying = [
        weight if amount else 0 for amount, weight in zip(amounts, weights, strict=True)
    ]
    moved = share(points, carrying) if any(carrying) else [0] * len(carrying)
    return tuple(
        Taken(amount, part) for amount, part in zip(amounts, moved, strict=True)
    )


# --- Uneven exchanges (R14) -----------------------------------------------------


class PricePolicy(StrEnum):
    """Which price of the new article counts; the lower one is the member's choice."""

    LOWER = "lower"
    TODAY = "today"
    ORDER_DAY = "order_day"


def new_price(policy: PricePolicy, *, today: UnitPrice, then: UnitPrice) -> UnitPrice:
    """Return which price of the new article counts, of now or of the order's day."""
    if policy is PricePolicy.TODAY:
        return today
    if policy is PricePolicy.ORDER_DAY:
        return then
    return min(today, then, key=lambda price: price.amount_minor)


def repriced(
    over: TakenOver, *, units: int, old_price_minor: int, new_price_minor: int
) -> TakenOver:
    """Return what so many units cost at the price of another article (R14).

    What lowered the old units goes along: whole to a dearer article, for no offer
    gives more than it gave, and in proportion to a cheaper one, so that no threshold
    is reached with goods that go back. Points that no longer fit are free again.

    >>> half = TakenOver(500, 500, (Taken(500),))
    >>> dear = repriced(half, units=1, old_price_minor=1000, new_price_minor=1200)
    >>> cheap = repriced(half, units=1, old_price_minor=1000, new_price_minor=600)
    >>> dear.net_minor, cheap.net_minor
    (700, 300)
    """
    gross = units * new_price_minor
    if new_price_minor >= old_price_minor:
        return replace(over, net_minor=gross - over.discount_minor)
    discount = over.discount_minor * new_price_minor // old_price_minor
    amounts = share(discount, [part.amount_minor for part in over.shares])
    points = over.points * new_price_minor // old_price_minor
    return TakenOver(
        net_minor=gross - discount,
        discount_minor=discount,
        shares=_with_points(amounts, [part.points for part in over.shares], points),
    )


@dataclass(frozen=True, slots=True)
class SwappedUnits:
    """Units of one line, what they are worth, and what replaces them.

    ``list_price_minor`` and ``price_kind`` are of the new article, as of any line.
    """

    position: int
    units: int
    sku: str
    value_minor: int
    points: int
    unit_price_minor: int
    list_price_minor: int | None
    price_kind: str
    over: TakenOver


@dataclass(frozen=True, slots=True)
class ExchangeQuote:
    """What an exchange costs, before it is made.

    ``net = value + due - back``, and at most one of the two is not nothing.
    """

    lines: tuple[SwappedUnits, ...]
    tenders: tuple[TenderRefund, ...] = ()
    effects: tuple[Effect, ...] = ()

    @property
    def value_minor(self) -> int:
        """Return what the old units were worth."""
        return sum(line.value_minor for line in self.lines)

    @property
    def net_minor(self) -> int:
        """Return what the new units cost."""
        return sum(line.over.net_minor for line in self.lines)

    @property
    def due_minor(self) -> int:
        """Return what is still to be paid for dearer goods."""
        return max(0, self.net_minor - self.value_minor)

    @property
    def back_minor(self) -> int:
        """Return what goes back for cheaper ones."""
        return max(0, self.value_minor - self.net_minor)

    @property
    def moved_minor(self) -> int:
        """Return the value that pays the new units."""
        return min(self.value_minor, self.net_minor)

    @property
    def points(self) -> int:
        """Return the spent points that find no room on the new units."""
        return sum(line.points - line.over.points for line in self.lines)

    @property
    def hash(self) -> str:
        """Return the version of this exchange: its articles, its money, its points."""
        deal = {
            "lines": [
                [line.position, line.units, line.sku, line.value_minor]
                + [line.over.net_minor, line.over.points]
                for line in self.lines
            ],
            "tenders": [[part.payment_id, part.amount_minor] for part in self.tenders],
            "effects": [[effect.code, effect.params] for effect in self.effects],
        }
        text = json.dumps(deal, separators=(",", ":"), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()
