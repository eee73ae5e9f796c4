"""What a unit that replaces another is worth, and when an exchange is even (R13, R14).

Plain Python.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from crm.shared.money import share


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
    # Points stay with a reduction that is still there to carry them.
    weights = [
        part.points if amount else 0
        for part, amount in zip(reductions, amounts, strict=True)
    ]
    moved = share(points, weights) if any(weights) else [0] * len(weights)
    return TakenOver(
        net_minor=amount_minor,
        discount_minor=discount,
        shares=tuple(
            Taken(amount, part) for amount, part in zip(amounts, moved, strict=True)
        ),
    )
