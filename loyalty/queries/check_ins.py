"""How a member's streak of check-ins stands, and what the next days bring."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from loyalty.models import CheckIn, EarningRule, PointsAccount
from loyalty.queries.earning import earning_terms
from loyalty.queries.purchases import member_facts, time_facts
from loyalty.rules.caps import streak_on
from loyalty.rules.earning import Occurrence, Part, evaluate
from members.models import Member

#: Days whose points are told ahead, today among them while it is open.
_DAYS_AHEAD = 7


@dataclass(frozen=True, slots=True)
class ComingDay:
    """A day to check in, and what it brings if none before it is left out."""

    day: date
    streak: int
    points: int


@dataclass(frozen=True, slots=True)
class CheckInStanding:
    """A member's streak today."""

    is_done: bool
    streak: int
    coming: tuple[ComingDay, ...]


def last_check_in(*, member_id: int, until: date) -> CheckIn | None:
    """Return the newest check-in up to a day."""
    rows = CheckIn.objects.filter(member_id=member_id, day__lte=until)
    return rows.order_by("-day").first()


def check_in_standing(*, member: Member, at: datetime) -> CheckInStanding:
    """Return the streak of a member, and what the next days bring before caps."""
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    today = at.astimezone(zone).date()
    last = last_check_in(member_id=member.pk, until=today)
    is_done = last is not None and last.day == today
    last_day = last.day if last else None
    streak = streak_on(today, last_day=last_day, last_streak=last.streak if last else 0)
    if is_done:
        streak = last.streak
    terms = earning_terms(EarningRule.Occasion.CHECK_IN)
    accounts = PointsAccount.objects.select_related("tier").filter(pk=member.pk)
    tier = getattr(accounts.first(), "tier", None)
    coming = []
    for ahead in range(int(is_done), _DAYS_AHEAD + int(is_done)):
        moment, number = at + timedelta(days=ahead), streak + ahead
        facts = {
            **member_facts(
                tier_code=tier.code if tier else "",
                joined_at=member.joined_at,
                birth_month=member.birth_month,
                at=moment,
            ),
            "event.number": number,
            **time_facts(moment),
        }
        earned = evaluate(terms.rules, Occurrence(moment, (Part(),), facts, number))
        coming.append(ComingDay(today + timedelta(days=ahead), number, earned.points))
    done = streak if is_done else streak - 1
    return CheckInStanding(is_done, done, tuple(coming))
