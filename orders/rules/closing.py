"""Units of a line that other offers on goods do not see (S2). Plain Python.

A group or flash price closes what it prices. Where it has no more than so many units,
those are the last ones of their line; the units before them stay open to everybody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from orders.rules.lines import StageLine
from orders.rules.units import split_evenly


@dataclass(frozen=True, slots=True)
class ClosedUnits:
    """The closed units of a line, and what they were and are worth together."""

    count: int
    left_minor: int
    #: On entering the lane, and before any offer but those on unit prices.
    entering_minor: int
    opening_minor: int


#: Of a line that is open as a whole.
NO_UNITS = ClosedUnits(0, 0, 0, 0)


def open_part(each: StageLine, closed: ClosedUnits) -> StageLine:
    """Return what is open of a line; units keep their places in it."""
    if not closed.count:
        return each
    count = each.line.quantity - closed.count
    return StageLine(
        replace(each.line, quantity=count),
        each.amount_minor - closed.entering_minor,
        each.left_minor - closed.left_minor,
        each.opening_minor - closed.opening_minor,
        each.unit_lefts[:count],
        frozenset(place for place in each.used if place < count),
    )


def closed_from(
    first: int, lefts: tuple[int, ...], before: StageLine, closed: ClosedUnits
) -> ClosedUnits:
    """Return the closed units of a line where one of its open units closes.

    Those behind it close with it; they entered the lane as equals.

    Args:
        first: the place of the unit.
        lefts: what is left of all units now.
        before: the line as a whole, as it entered the lane.
        closed: those that were closed already.
    """
    count = len(lefts) - closed.count
    entering = split_evenly(before.amount_minor - closed.entering_minor, count)
    opening = split_evenly(before.opening_minor - closed.opening_minor, count)
    return ClosedUnits(
        count=len(lefts) - first,
        left_minor=sum(lefts[first:]),
        entering_minor=closed.entering_minor + sum(entering[first:]),
        opening_minor=closed.opening_minor + sum(opening[first:]),
    )


def on_entering(closed: Mapping[int, ClosedUnits]) -> dict[int, ClosedUnits]:
    """Return them as a new lane finds them: they are worth what is left of them."""
    return {
        at: replace(each, entering_minor=each.left_minor) for at, each in closed.items()
    }


def on_opening(closed: Mapping[int, ClosedUnits]) -> dict[int, ClosedUnits]:
    """Return them as later stages find them, once unit prices are made."""
    return {
        at: replace(each, opening_minor=each.left_minor) for at, each in closed.items()
    }
