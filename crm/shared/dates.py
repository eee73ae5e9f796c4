"""Calendar arithmetic. Plain Python, so that rules may use it."""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def add_months(day: date, months: int) -> date:
    """Return the same day ``months`` later, or the last day of a shorter month (X4).

    Count from the first day of a period, not from the previous result: 31 January
    plus two months is 31 March.

    >>> add_months(date(2023, 1, 31), 1), add_months(date(2024, 2, 29), 12)
    (datetime.date(2023, 2, 28), datetime.date(2025, 2, 28))
    """
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(years, month + 1)[1]
    return date(years, month + 1, min(day.day, last))


def bounds_of_day(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the half-open period ``[start, end)`` of a day in ``zone``, in UTC (X3).

    Days of one zone touch and never overlap, also when clocks change.
    """
    start, end = (
        datetime.combine(each, time.min, tzinfo=zone).astimezone(UTC)
        for each in (day, day + timedelta(days=1))
    )
    return start, end
