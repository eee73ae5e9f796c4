"""The balance of an account as a line in time, for its chart."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import DateTimeField, QuerySet, Sum
from django.db.models.functions import Greatest, Trunc

from loyalty.models import PointsAccount, PointsEntry, PointsLot
from loyalty.rules.balances import Step, balance_steps

#: Days that moved points, and days on which points end, that a chart shows.
_MOST = 60


def balance_line(account: PointsAccount, *, at: datetime) -> list[Step]:
    """Return the balance, less debt, day by day of the shop, and as lots will end.

    The last 60 days that moved points, then the next 60 on which some end. Lots of a
    frozen account do not age, so nothing is said of their ends (P14). Two statements.
    """
    entries = PointsEntry.objects.filter(account=account, occurred_at__lte=at)
    moved = _by_day(entries.exclude(points=0), "occurred_at", "points")
    ending = []
    if account.term_stopped_at is None:
        lots = PointsLot.objects.filter(
            account=account, is_open=True, expires_at__isnull=False
        ).annotate(end=Greatest("expires_at", at))
        ending = list(_by_day(lots, "end", "remaining")[:_MOST])
    return balance_steps(
        list(reversed(moved.order_by("-day")[:_MOST])),
        [(max(day, at), points) for day, points in ending],
        now_points=account.balance - account.debt,
        at=at,
    )


def _by_day(rows: QuerySet, moment: str, points: str) -> QuerySet:
    """Return (midnight of the shop, points) of each day, soonest first."""
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    day = Trunc(moment, "day", tzinfo=zone, output_field=DateTimeField())
    summed = rows.annotate(day=day).values("day").annotate(sum=Sum(points))
    return summed.order_by("day").values_list("day", "sum")
