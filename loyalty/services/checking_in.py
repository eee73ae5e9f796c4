"""A member looks in: once a day of the shop's zone, with a streak."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction

from loyalty.models import CheckIn, EarningRule
from loyalty.queries.check_ins import last_check_in
from loyalty.rules.caps import streak_on
from loyalty.services.event_points import Happening, grant_for_event
from loyalty.services.posting import locked_account

#: Days in a row keep one distance from their numbers.
_STREAKS = """
WITH apart AS (
    SELECT id, member_id, day,
           day - row_number() OVER (PARTITION BY member_id ORDER BY day)::int AS run
      FROM loyalty_checkin WHERE member_id = ANY(%s)
), counted AS (
    SELECT id, row_number() OVER (PARTITION BY member_id, run ORDER BY day) AS streak
      FROM apart
)
UPDATE loyalty_checkin c SET streak = n.streak FROM counted n
 WHERE c.id = n.id AND c.streak <> n.streak
"""


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


def count_streaks(*, member_ids: Collection[int]) -> None:
    """Count the streaks of members afresh, whose accounts are locked; earns nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_STREAKS, [list(member_ids)])
