"""Who has which benefit, how often and for which period. Plain Python."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from crm.shared.dates import add_months

#: Months of a calendar period.
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True)
class Right:
    """How often and how much of a benefit somebody has.

    ``quota`` counts per period; None is as often as wanted. ``because`` names the
    marks that brought it; an empty one is a grant for everybody.
    """

    quota: int | None
    number: int = 0
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """A period of whole days; ``ends_on`` is its last day."""

    starts_on: date
    ends_on: date


def union(rights: Iterable[Right]) -> Right | None:
    """Return what several grants of one benefit are together; None for none.

    Of each number the better one counts, never the sum (T18): four deliveries of the
    tier and six of the plan are six.

    >>> union([Right(4, 0, ("tier:gold",)), Right(6, 0, ("plan:plus",))]).quota
    6
    """
    held = list(rights)
    if not held:
        return None
    quotas = [right.quota for right in held if right.quota is not None]
    is_unlimited = len(quotas) < len(held)
    return Right(
        quota=None if is_unlimited else max(quotas),
        number=max(right.number for right in held),
        because=tuple(mark for right in held for mark in right.because),
    )


def span_of(period: str, day: date, *, joined: date) -> Span:
    """Return the period a day falls in.

    Months, quarters and years are those of the calendar. A cycle is a year of
    membership; it begins on the anniversary of the day of joining, in a shorter month
    on its last day (X4).

    >>> span_of("quarter", date(2026, 11, 21), joined=date(2020, 2, 29))
    Span(starts_on=datetime.date(2026, 10, 1), ends_on=datetime.date(2026, 12, 31))
    >>> span_of("cycle", date(2026, 2, 28), joined=date(2020, 2, 29)).starts_on
    datetime.date(2026, 2, 28)
    """
    if period == "cycle":
        years = day.year - joined.year
        if add_months(joined, 12 * years) > day:
            years -= 1
        starts_on = add_months(joined, 12 * years)
        after = add_months(joined, 12 * (years + 1))
    else:
        months = _MONTHS[period]
        first = (day.month - 1) // months * months + 1
        starts_on = date(day.year, first, 1)
        after = add_months(starts_on, months)
    return Span(starts_on, after - timedelta(days=1))


def left_of(right: Right, *, used: int) -> int | None:
    """Return how many uses of the period are left; None is as many as wanted.

    >>> left_of(Right(4), used=5), left_of(Right(None), used=5)
    (0, None)
    """
    return None if right.quota is None else max(0, right.quota - used)
