"""When points end. Plain Python.

``expires_at`` is exclusive: the first moment at which they cannot be spent.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from crm.shared.dates import add_months, bounds_of_day


def end_of_term(
    active_at: datetime, *, months: int | None, zone: ZoneInfo
) -> datetime | None:
    """Return when points active from ``active_at`` end; None is never.

    They are good to the end of the day so many months later, in the shop's zone
    (P10, X4).

    >>> from datetime import UTC
    >>> end_of_term(datetime(2026, 1, 31, 4, tzinfo=UTC), months=1,
    ...             zone=ZoneInfo("Asia/Shanghai"))
    datetime.datetime(2026, 2, 28, 16, 0, tzinfo=datetime.timezone.utc)
    """
    if months is None:
        return None
    last_day = add_months(active_at.astimezone(zone).date(), months)
    return bounds_of_day(last_day, zone)[1]


def is_spent_time(expires_at: datetime | None, at: datetime) -> bool:
    """Return whether a lot has ended by ``at``, whatever the expiry job did (P10)."""
    return expires_at is not None and expires_at <= at


def keeps_its_end(
    expires_at: datetime | None, *, now: datetime, grace: timedelta
) -> bool:
    """Return whether points given back now keep their end, or get the grace (P20).

    Without a grace every end is kept that is still to come.
    """
    return expires_at is None or expires_at >= now + grace


def after_standstill(
    expires_at: datetime | None,
    *,
    active_at: datetime,
    since: datetime,
    until: datetime,
    zone: ZoneInfo,
) -> datetime | None:
    """Return when points end that could not be spent for a while; None is never (P14).

    They get the time back that they lost, to the end of that day in the shop's zone.
    What had ended before, and what became active only afterwards, lost nothing.

    >>> from datetime import UTC
    >>> day = datetime(2026, 3, 1, 16, tzinfo=UTC)
    >>> after_standstill(day, active_at=day - timedelta(days=90),
    ...                  since=day - timedelta(days=3), until=day + timedelta(hours=1),
    ...                  zone=ZoneInfo("Asia/Shanghai"))
    datetime.datetime(2026, 3, 5, 16, 0, tzinfo=datetime.timezone.utc)
    """
    lost = until - max(since, active_at)
    if expires_at is None or expires_at <= since or lost <= timedelta(0):
        return expires_at
    later = expires_at + lost - datetime.resolution
    return bounds_of_day(later.astimezone(zone).date(), zone)[1]
