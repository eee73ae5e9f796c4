"""Close the points books month by month."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.dates import bounds_of_day
from crm.shared.errors import Refusal
from loyalty.models import PointsClose, PointsEntry
from loyalty.queries.closing import (
    cohorts_at,
    last_close,
    left_by_expiry,
    restored_since,
    sums_by_hand,
    sums_by_kind,
)
from loyalty.queries.program import program
from loyalty.rules.clawback import points_worth
from loyalty.rules.closing import moves_of, next_month
from loyalty.services.adjusting import name_of

#: Whoever moves points has locked an account: this waits for them, and they for this.
#: So no entry with a lower number than the last one can still appear.
_STAND_STILL = "LOCK TABLE loyalty_pointsaccount IN EXCLUSIVE MODE"


class MonthIsNotOver(Refusal):
    """This month is not over."""

    code = "month_not_over"
    message = _("This month is not over.")


class MonthOutOfOrder(Refusal):
    """Months are closed in order."""

    code = "month_out_of_order"
    message = _("Months are closed in order: the next one is %(next)s.")


@transaction.atomic
def close_month(*, month: date, actor: Any, now: datetime) -> PointsClose:
    """Close a month: sums by kind, liability, coming expiry, breakage.

    For the seconds it takes nobody moves points. Closed before: returns that.

    Args:
        month: its first day. The first one may be any; it opens with what there was.

    Raises:
        MonthIsNotOver: it ends after ``now``.
        MonthOutOfOrder: another one is next.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STAND_STILL)
    there = PointsClose.objects.filter(month=month).first()
    if there is not None:
        return there
    before = last_close()
    if before is not None and month != next_month(before.month):
        raise MonthOutOfOrder(next=f"{next_month(before.month):%Y-%m}")
    start, end = month_bounds(month)
    if end > now:
        raise MonthIsNotOver
    close = _write(month, before, start=start, end=end, actor=actor, now=now)
    record_audit(
        actor=actor,
        action="points.close",
        object_type=PointsClose._meta.label,
        object_id=str(close),
        detail={"closing": close.closing, "liability_minor": close.liability_minor},
        now=now,
    )
    return close


def _write(
    month: date,
    before: PointsClose | None,
    *,
    start: datetime,
    end: datetime,
    actor: Any,
    now: datetime,
) -> PointsClose:
    zone = settings.SHOP_TIME_ZONE
    moves = moves_of(
        sums_by_kind(start=start, end=end), before=before.to_date if before else None
    )
    waterfall = left_by_expiry(end=end, zone=zone)
    open_points = sum(points for _, points in waterfall) - restored_since(end=end)
    value = program().redeem_minor_per_100
    return PointsClose.objects.create(
        month=month,
        ends_at=end,
        last_entry=PointsEntry.objects.aggregate(last=Max("pk"))["last"] or 0,
        opening=moves.opening,
        moved=moves.moved,
        late=moves.late,
        to_date=moves.to_date,
        closing=moves.closing,
        open_points=open_points,
        debt=open_points - moves.closing,
        minor_per_100=value,
        liability_minor=points_worth(max(open_points, 0), minor_per_100=value),
        waterfall=[
            [last.isoformat() if last else None, points] for last, points in waterfall
        ],
        cohorts=[
            {
                "month": cohort.month.isoformat(),
                "granted": cohort.granted,
                "used": cohort.used,
                "taken_back": cohort.taken_back,
                "expired": cohort.expired,
            }
            for cohort in cohorts_at(end=end, zone=zone)
        ],
        by_hand=sums_by_hand(
            start=start, end=end, after=before.last_entry if before else None
        ),
        closed_at=now,
        actor=name_of(actor),
    )


def month_bounds_at(at: datetime) -> tuple[datetime, datetime]:
    """Return ``[start, end)`` of the month of a moment in the shop's zone."""
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    return month_bounds(at.astimezone(zone).date().replace(day=1))


def month_bounds(month: date) -> tuple[datetime, datetime]:
    """Return ``[start, end)`` of a month in the shop's zone."""
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    start, end = (bounds_of_day(day, zone)[0] for day in (month, next_month(month)))
    return start, end
