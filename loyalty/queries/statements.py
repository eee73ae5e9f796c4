"""What a statement of a member's points says."""

from collections import defaultdict
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils.timezone import localtime

from crm.shared.dates import bounds_of_day
from loyalty.models import LotTake, PointsAccount, PointsEntry
from loyalty.rules.statements import Line, Statement


def statement_of(
    account: PointsAccount, *, first: date, last: date, now: datetime
) -> Statement:
    """Return the movements of some days of the shop, in the order they happened.

    Points that ended stand where they ended, though they are booked later; so its
    balance goes by time, not by the number of the entry. Three statements.

    Args:
        first, last: both included.
    """
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    start, end = bounds_of_day(first, zone)[0], bounds_of_day(last, zone)[1]
    mine = PointsEntry.objects.filter(account=account)
    opening = mine.filter(occurred_at__lt=start).aggregate(
        points=Coalesce(Sum("points"), 0)
    )["points"]
    moves = mine.filter(occurred_at__gte=start, occurred_at__lt=end).exclude(points=0)
    trace = _trace(moves)
    balance, lines = opening, []
    for entry in moves.select_related("lot").order_by("occurred_at", "seq"):
        balance += entry.points
        lot = getattr(entry, "lot", None)
        lines.append(
            Line(
                number=entry.seq,
                at=localtime(entry.occurred_at, zone),
                entry=entry.public_id,
                kind=entry.kind,
                points=entry.points,
                balance=balance,
                ends=_last_day(lot.expires_at, zone) if lot else None,
                lots=tuple(trace.get(entry.pk, ())),
            )
        )
    return Statement(
        member=account.member.number,
        first=first,
        last=last,
        made_at=localtime(now, zone).replace(microsecond=0),
        opening=opening,
        lines=lines,
    )


def _trace(entries: QuerySet) -> dict[int, list[tuple[str, int]]]:
    """Return of which entries' lots each entry took how many points (P11)."""
    taken = LotTake.objects.filter(entry__in=entries.order_by().values("pk"))
    found = defaultdict(list)
    for entry_id, source, points in taken.order_by("pk").values_list(
        "entry_id", "lot__entry__public_id", "points"
    ):
        found[entry_id].append((source, points))
    return found


def _last_day(end: datetime | None, zone: ZoneInfo) -> date | None:
    """Return the last good day: an end is exclusive (P10)."""
    return None if end is None else (end - datetime.resolution).astimezone(zone).date()
