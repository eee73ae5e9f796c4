"""How fast uses and money of a promotion go, and when they are gone. Plain Python."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

#: What lasts for so many days, ten years, has no end that anybody could name.
_OUT_OF_SIGHT = 3_650
#: The pace of so many full days is what a projection goes on.
_PACE_DAYS = 7


@dataclass(frozen=True, slots=True)
class Burned:
    """What one day took."""

    day: date
    uses: int
    amount_minor: int
    #: Pieces of goods that it lowered.
    units: int = 0


def by_day(found: Sequence[Burned], *, first: date, last: date) -> list[Burned]:
    """Return every day from first to last, those without any use as nothing."""
    known = {each.day: each for each in found}
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [known.get(day, Burned(day, 0, 0)) for day in days]


def pace(days: Sequence[Burned], *, began: date) -> Sequence[Burned]:
    """Return the days whose pace a projection goes on: full ones since it began.

    What began today has no full one: today counts as one.

    Args:
        days: every day up to today.
    """
    full = [each for each in days[-1 - _PACE_DAYS : -1] if each.day >= began]
    return full or days[-1:]


def run_out_day(left: int, taken: Sequence[int], *, today: date) -> date | None:
    """Return the day on which what is left is gone, if it goes on as it did.

    Args:
        left: what is left now; nothing left is gone today.
        taken: what the days took whose pace counts.

    Returns:
        None where it does not end, or not in ten years.

    >>> run_out_day(10, [3, 5], today=date(2026, 6, 1))
    datetime.date(2026, 6, 4)
    """
    if left <= 0:
        return today
    total = sum(taken)
    if total <= 0:
        return None
    # Whole days, rounded up: on the last one it is gone.
    days = -(-left * len(taken) // total)
    return today + timedelta(days=days) if days <= _OUT_OF_SIGHT else None
