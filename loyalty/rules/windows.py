"""Which time counts towards a tier, and when a term of it ends. Plain Python."""

from datetime import date, datetime, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from crm.shared.dates import add_months, bounds_of_day

Period = Literal["month", "quarter", "half", "year", "anniversary"]
PERIODS: tuple[str, ...] = get_args(Period)
#: Calendar period -> its months.
_MONTHS = {"month": 1, "quarter": 3, "half": 6, "year": 12}


def period_of(
    period: str, at: datetime, *, joined_at: datetime, zone: ZoneInfo
) -> tuple[datetime, datetime]:
    """Return the half-open period ``[start, end)`` that ``at`` lies in.

    A year of membership begins on the day of joining; of 29 February on the 28th in
    other years (X4).

    >>> from datetime import UTC
    >>> zone = ZoneInfo("Asia/Shanghai")
    >>> at = datetime(2026, 8, 20, tzinfo=UTC)
    >>> [day.astimezone(zone).date().isoformat()
    ...  for day in period_of("quarter", at, joined_at=at, zone=zone)]
    ['2026-07-01', '2026-10-01']
    """
    day = at.astimezone(zone).date()
    if period == "anniversary":
        first, last = _membership_year(day, joined_at.astimezone(zone).date())
    else:
        months = _MONTHS[period]
        first = date(day.year, (day.month - 1) // months * months + 1, 1)
        last = add_months(first, months)
    return bounds_of_day(first, zone)[0], bounds_of_day(last, zone)[0]


def _membership_year(day: date, joined: date) -> tuple[date, date]:
    years = day.year - joined.year
    if add_months(joined, 12 * years) > day:
        years -= 1
    return add_months(joined, 12 * years), add_months(joined, 12 * (years + 1))


def counts_from(
    at: datetime,
    *,
    window_days: int | None,
    window: str = "days",
    joined_at: datetime | None = None,
    zone: ZoneInfo | None = None,
) -> datetime | None:
    """Return after which moment (exclusive) value counts at ``at``; None is always.

    A rolling window of N days counts ``(at - N days, at]``; any other window is the
    period ``at`` lies in (T6).
    """
    if window == "days":
        return None if window_days is None else at - timedelta(days=window_days)
    if joined_at is None or zone is None:
        raise ValueError("a period needs the day of joining and a zone")
    return (
        period_of(window, at, joined_at=joined_at, zone=zone)[0] - datetime.resolution
    )


def moment_counted(at: datetime, valid_until: datetime | None) -> datetime:
    """Return the moment whose window counts: a term that is over is judged by its own.

    At the end of a calendar year the new one is still empty: who keeps a tier is said
    by the year that ended (T8).
    """
    if valid_until is None or at < valid_until:
        return at
    return valid_until - datetime.resolution
