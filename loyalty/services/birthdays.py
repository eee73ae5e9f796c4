"""Points on a birthday, once a year."""

from collections.abc import Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Exists, OuterRef

from loyalty.models import EarningRule, PointsEntry
from loyalty.rules.birthdays import is_birthday
from loyalty.services.event_points import Happening, grant_for_events
from members.models import Member

#: Members granted to in one transaction, and read at a time.
_CHUNK, _READ = 500, 2_000


def grant_birthdays(*, now: datetime) -> int:
    """Grant what the rules give to whose birthday it is in the shop's zone.

    Once a year for each, however often it runs; for a day that is past it grants what
    was due then. Birthdays are encrypted: those of the month are read and compared.

    Returns:
        How many entries were written.
    """
    today = now.astimezone(ZoneInfo(settings.SHOP_TIME_ZONE)).date()
    rules = EarningRule.objects.filter(
        occasion=EarningRule.Occasion.BIRTHDAY, is_active=True
    )
    if not rules.exists():
        return 0
    source = f"birthday:{today.year}"
    celebrating = list(_born_on(today, source))
    written = 0
    for start in range(0, len(celebrating), _CHUNK):
        happenings = [
            Happening(pk, source) for pk in celebrating[start : start + _CHUNK]
        ]
        written += len(
            grant_for_events(
                occasion=EarningRule.Occasion.BIRTHDAY, happenings=happenings, now=now
            )
        )
    return written


def _born_on(today: date, source: str) -> Iterator[int]:
    granted = PointsEntry.objects.filter(
        account_id=OuterRef("pk"), kind=PointsEntry.Kind.GRANT, source=source
    )
    born = (
        Member.objects.may_earn()
        .filter(~Exists(granted), birth_month=today.month, birthday__isnull=False)
        .order_by("pk")
        .only("public_id", "birthday")
    )
    for member in born.iterator(chunk_size=_READ):
        if is_birthday(date.fromisoformat(member.birthday), today):
            yield member.pk
