"""Over which time a cap counts. Plain Python."""

from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Period = Literal["day", "week", "month", "year", "ever"]
#: What stands for all time in the column of a period's first day.
EVER = date(1970, 1, 1)


def first_day(at: datetime, period: str, *, zone: ZoneInfo) -> date:
    """Return the first day of the period that a moment falls in, in the shop's zone.

    Weeks begin on Monday.

    >>> from datetime import UTC
    >>> first_day(datetime(2026, 11, 21, 17, tzinfo=UTC), "week",
    ...           zone=ZoneInfo("Asia/Shanghai"))
    datetime.date(2026, 11, 16)
    """
    day = at.astimezone(zone).date()
    if period == "day":
        return day
    if period == "week":
        return day - timedelta(days=day.weekday())
    if period == "month":
        return day.replace(day=1)
    if period == "year":
        return day.replace(month=1, day=1)
    return EVER


def streak_on(day: date, *, last_day: date | None, last_streak: int) -> int:
    """Return which day in a row a check-in is, after the last one before it.

    >>> streak_on(date(2026, 3, 1), last_day=date(2026, 2, 28), last_streak=4)
    5
    """
    if last_day is not None and last_day == day - timedelta(days=1):
        return last_streak + 1
    return 1
