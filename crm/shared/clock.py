"""What time it is in the shop. Only doors ask; everything below is told.

Demo and test shops have a clock that can be moved forward, so that expiry, grace
periods and birthdays can be watched. In production the offset is neither read
nor written.
"""

import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from crm.shared.dates import add_months, bounds_of_day
from crm.shared.errors import Refusal
from crm.shared.models.clock import ShopClock

__all__ = ["add_months", "advance", "day_bounds", "now", "offset", "today", "trust"]

#: Seconds for which a process trusts the offset it read.
_TRUST_SECONDS = 2.0
#: Dates end with the year 9999; a clock near it could not even be shown.
_FARTHEST = timedelta(days=36_525)


class ClockCannotMove(Refusal):
    """The clock of a production shop cannot be moved."""

    code = "clock_cannot_move"
    message = _("The clock of a production shop cannot be moved.")


class ClockOnlyForward(Refusal):
    """The shop clock only moves forward."""

    code = "clock_only_forward"
    message = _("The shop clock only moves forward.")


class ClockTooFar(Refusal):
    """The shop clock cannot run more than 100 years ahead."""

    code = "clock_too_far"
    message = _("The shop clock cannot run more than 100 years ahead.")


class _Seen:
    """The offset as this process last saw it."""

    offset = timedelta(0)
    stale_at = float("-inf")


def trust(offset: timedelta, *, seconds: float = _TRUST_SECONDS) -> None:
    """Take ``offset`` as read for so many seconds; 0 reads it again next time."""
    _Seen.offset = offset
    _Seen.stale_at = time.perf_counter() + seconds


def now() -> datetime:
    """Return the shop's time, aware, in UTC."""
    return datetime.now(UTC) + offset()


def offset() -> timedelta:
    """Return how far the shop runs ahead of real time; zero in production."""
    if settings.IS_PRODUCTION:
        return timedelta(0)
    if time.perf_counter() >= _Seen.stale_at:
        row = ShopClock.objects.values_list("offset", flat=True).first()
        trust(row or timedelta(0))
    return _Seen.offset


def advance(delta: timedelta) -> datetime:
    """Move the shop's clock forward and return the new time.

    Other processes follow within two seconds.

    Raises:
        ClockCannotMove: this is a production shop.
        ClockOnlyForward: ``delta`` is not positive.
        ClockTooFar: the clock would run more than 100 years ahead.
    """
    if settings.IS_PRODUCTION:
        raise ClockCannotMove
    if delta <= timedelta(0):
        raise ClockOnlyForward
    ShopClock.objects.get_or_create(pk=1)
    moved = ShopClock.objects.filter(offset__lte=_FARTHEST - delta).update(
        offset=F("offset") + delta
    )
    if not moved:
        raise ClockTooFar
    trust(ShopClock.objects.values_list("offset", flat=True).get(pk=1))
    return now()


def today() -> date:
    """Return the date it is in the shop."""
    return now().astimezone(_zone()).date()


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """Return ``[start, end)`` of a day of the shop, in UTC (X3)."""
    return bounds_of_day(day, _zone())


def _zone() -> ZoneInfo:
    return ZoneInfo(settings.SHOP_TIME_ZONE)
