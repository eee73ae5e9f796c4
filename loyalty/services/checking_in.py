"""A member looks in: once a day of the shop's zone, with a streak."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from loyalty.models import CheckIn, EarningRule
from loyalty.queries.check_ins import last_check_in
from loyalty.rules.caps import streak_on
from loyalty.services.event_points import Happening, grant_for_event
from loyalty.services.posting import locked_account


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """A check-in of today, and what it brought."""

    check_in: CheckIn
    points: int
    is_new: bool


@transaction.atomic
def check_in(*, member_id: int, now: datetime) -> CheckedIn:
    """Write down that a member looked in today, once, and grant what that earns.

    The day is one of the shop's zone; a day left out begins a new streak.
    """
    day = now.astimezone(ZoneInfo(settings.SHOP_TIME_ZONE)).date()
    # The account's lock makes two check-ins of one moment one.
    locked_account(member_id=member_id, now=now)
    last = last_check_in(member_id=member_id, until=day)
    is_new = last is None or last.day != day
    if is_new:
        streak = streak_on(
            day,
            last_day=last.day if last else None,
            last_streak=last.streak if last else 0,
        )
        last = CheckIn.objects.create(member_id=member_id, day=day, streak=streak)
    entry = grant_for_event(
        occasion=EarningRule.Occasion.CHECK_IN,
        happening=Happening(member_id, f"check_in:{day}", number=last.streak),
        now=now,
    )
    return CheckedIn(last, entry.points if entry else 0, is_new)
