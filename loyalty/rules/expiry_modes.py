"""When points end, by the ways a program may choose. Plain Python.

The shop's own points live so many months (``loyalty.rules.expiry``); a program may as
well let them end after some days, with the month, with the year, or never. The end is
the first moment at which they are gone.
"""

from calendar import monthrange
from datetime import datetime, time, timedelta
from typing import Literal, get_args

ExpiryMode = Literal["never", "after_days", "end_of_month", "end_of_year"]
MODES: tuple[str, ...] = get_args(ExpiryMode)


def end_by_mode(
    earned_at: datetime, mode: ExpiryMode, *, days: int = 0
) -> datetime | None:
    """Return when points earned at a moment are gone; None is never.

    Args:
        days: of ``after_days``: to the minute so many days later. With the other modes
            it is how long they live at least before the month or the year ends.

    >>> from datetime import UTC
    >>> end_by_mode(datetime(2026, 2, 10, 9, tzinfo=UTC), "end_of_month")
    datetime.datetime(2026, 3, 1, 0, 0, tzinfo=datetime.timezone.utc)
    """
    at = earned_at + timedelta(days=days)
    if mode == "never":
        return None
    if mode == "after_days":
        return at
    month = at.month if mode == "end_of_month" else 12
    last = at.date().replace(month=month, day=monthrange(at.year, month)[1])
    return datetime.combine(last + timedelta(days=1), time.min, at.tzinfo)
