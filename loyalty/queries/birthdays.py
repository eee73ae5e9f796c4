"""Whose birthday it is: they are encrypted, so those of a month are read."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from loyalty.rules.birthdays import is_birthday
from members.models import Member

#: Days that are looked at again, in case nobody looked on the day itself.
_LOOK_BACK = 3
_READ = 2_000


def days_to_celebrate(now: datetime) -> dict[date, datetime]:
    """Return today and the days before it in the shop's zone, each with a moment."""
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    moments = [now - timedelta(days=back) for back in range(_LOOK_BACK)]
    return {moment.astimezone(zone).date(): moment for moment in moments}


def born_on(days: Collection[date]) -> dict[date, list[int]]:
    """Return the members who may earn and have their birthday, by day.

    Who was born on 29 February is in February's list whatever day is kept.
    """
    months = {day.month for day in days}
    born = Member.objects.may_earn().filter(
        birth_month__in=months, birthday__isnull=False
    )
    found: dict[date, list[int]] = {day: [] for day in days}
    rows = born.order_by("pk").only("public_id", "birthday")
    for member in rows.iterator(chunk_size=_READ):
        if member.birthday:
            on = date.fromisoformat(member.birthday)
            for day in days:
                if is_birthday(on, day):
                    found[day].append(member.pk)
    return found
