"""What a closed month says: sums that add up, and how points of each month aged.

Plain Python.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from crm.shared.dates import add_months

_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")


def month_of(text: str) -> date:
    """Return the first day of a month written as ``2026-10``.

    Raises:
        ValueError: it is written otherwise.

    >>> month_of("2026-10")
    datetime.date(2026, 10, 1)
    """
    if not _MONTH.fullmatch(text):
        raise ValueError(f"{text!r} is no month such as 2026-10.")
    return date.fromisoformat(f"{text}-01")


@dataclass(frozen=True, slots=True)
class Moves:
    """Points by kind of entry, and the balance they lead from and to."""

    opening: int
    moved: Mapping[str, int]
    late: Mapping[str, int]
    to_date: Mapping[str, int]

    @property
    def closing(self) -> int:
        """Return the balance at the end; the same as all there ever was."""
        return sum(self.to_date.values())


def moves_of(
    sums: Iterable[tuple[str, int, int]], *, before: Mapping[str, int] | None
) -> Moves:
    """Return what a month moved, and what was booked late for earlier months.

    Args:
        sums: kind, points of the month, points of all time before it as of now.
        before: kind -> points to date as the month before was closed; None when this
            is the first month.

    >>> moves_of([("earn", 50, 110), ("spend", -20, 0)], before={"earn": 100})
    Moves(opening=100, moved={'earn': 50, 'spend': -20}, late={'earn': 10},
          to_date={'earn': 160, 'spend': -20})
    """  # fmt: skip
    sums = list(sums)
    earlier = {kind: points for kind, _month, points in sums}
    known = earlier if before is None else before
    late = {kind: points - known.get(kind, 0) for kind, points in earlier.items()}
    return Moves(
        opening=sum(known.values()),
        moved={kind: points for kind, points, _earlier in sums if points},
        late={kind: points for kind, points in late.items() if points},
        to_date={kind: month + past for kind, month, past in sums if month or past},
    )


@dataclass(frozen=True, slots=True)
class Cohort:
    """What became of the points that came in during one month, until now.

    ``expired`` counts points by how many months after they came in they expired.
    """

    month: date
    granted: int
    used: int = 0
    taken_back: int = 0
    expired: Mapping[int, int] = field(default_factory=dict)

    @property
    def expired_points(self) -> int:
        """Return how many of them expired so far."""
        return sum(self.expired.values())

    @property
    def left(self) -> int:
        """Return how many are still there."""
        return self.granted - self.used - self.taken_back - self.expired_points


def breakage_curve(
    cohorts: Sequence[Cohort], *, month: date
) -> list[tuple[int, int, int]]:
    """Return age in months, points expired by that age, points that reached it.

    Only months that are old enough count at an age, so young ones do not press the
    share down.

    Args:
        month: the month as whose end it is.
    """
    ages = {cohort.month: _months(cohort.month, month) for cohort in cohorts}
    curve = []
    for age in range(max(ages.values(), default=-1) + 1):
        old = [cohort for cohort in cohorts if ages[cohort.month] >= age]
        granted = sum(cohort.granted for cohort in old)
        gone = sum(
            points
            for cohort in old
            for at, points in cohort.expired.items()
            if at <= age
        )
        curve.append((age, gone, granted))
    return curve


def next_month(month: date) -> date:
    """Return the first day of the month after."""
    return add_months(month.replace(day=1), 1)


def _months(first: date, last: date) -> int:
    return (last.year - first.year) * 12 + last.month - first.month
