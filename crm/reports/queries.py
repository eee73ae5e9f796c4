"""Figures for the pages, read from the rollups."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import Max, Min, Sum
from django.db.models.functions import TruncMonth

from crm.reports.models import DailySales
from crm.shared.clock import day_bounds
from crm.shared.dates import add_months


@dataclass(frozen=True, slots=True)
class Sales:
    """Sums of a period; amounts in minor units, refunds positive."""

    orders: int = 0
    sales_minor: int = 0
    refunds_minor: int = 0
    #: Signed.
    adjustments_minor: int = 0

    @property
    def net_minor(self) -> int:
        """Sales less refunds, with adjustments."""
        return self.sales_minor - self.refunds_minor + self.adjustments_minor

    @property
    def per_order_minor(self) -> int | None:
        """Sales per order, or None without one."""
        return self.sales_minor // self.orders if self.orders else None

    @property
    def refund_share_bp(self) -> int | None:
        """Refunds per sales in basis points, or None without sales."""
        return (
            self.refunds_minor * 10_000 // self.sales_minor
            if self.sales_minor
            else None
        )


@dataclass(frozen=True, slots=True)
class Kpi:
    """One figure now and in the equal period before; None where there is none."""

    code: str
    value: int | None
    before: int | None

    @property
    def change_bp(self) -> int | None:
        """Signed change in basis points, or None without a positive base."""
        if self.value is None or not self.before or self.before < 0:
            return None
        return (self.value - self.before) * 10_000 // self.before


@dataclass(frozen=True, slots=True)
class Repurchase:
    """Of ``first_buyers`` with a full window, how many bought again within it."""

    first_buyers: int
    bought_again: int

    @property
    def rate_bp(self) -> int | None:
        """The rate in basis points, or None without first buyers."""
        if not self.first_buyers:
            return None
        return self.bought_again * 10_000 // self.first_buyers


_SUMS = {
    "orders": Sum("orders", default=0),
    "sales_minor": Sum("sales_minor", default=0),
    "refunds_minor": Sum("refunds_minor", default=0),
    "adjustments_minor": Sum("adjustments_minor", default=0),
}
# Bought again at another moment: an order split in two is not a return visit.
_REPURCHASE = """
WITH paid AS (
  SELECT member_id, placed_at FROM orders_order
   WHERE member_id IS NOT NULL AND paid_at IS NOT NULL
), first AS (
  SELECT member_id, min(placed_at) AS at FROM paid GROUP BY member_id
), cohort AS (
  SELECT * FROM first WHERE at >= %(since)s AND at <= %(until)s
)
SELECT count(*), count(*) FILTER (WHERE EXISTS (
         SELECT 1 FROM orders_order o
          WHERE o.member_id = cohort.member_id AND o.paid_at IS NOT NULL
            AND o.placed_at > cohort.at AND o.placed_at <= cohort.at + %(window)s))
  FROM cohort
"""


def sales_between(*, first: date, last: date, channel_id: int | None = None) -> Sales:
    """Return the sums of ``[first, last)``, of one channel or of all."""
    days = DailySales.objects.filter(day__gte=first, day__lt=last)
    if channel_id is not None:
        days = days.filter(channel_id=channel_id)
    return Sales(**days.aggregate(**_SUMS))


def sales_by_month(*, first: date, months: int) -> list[tuple[date, Sales]]:
    """Return ``months`` months from the month of ``first`` on, empty ones too."""
    start = first.replace(day=1)
    rows = (
        DailySales.objects.filter(day__gte=start, day__lt=add_months(start, months))
        .annotate(month=TruncMonth("day"))
        .values("month")
        .annotate(**_SUMS)
    )
    found = {row.pop("month"): Sales(**row) for row in rows}
    wanted = [add_months(start, number) for number in range(months)]
    return [(month, found.get(month, Sales())) for month in wanted]


def sales_by_channel(*, first: date, last: date) -> list[tuple[str, Sales]]:
    """Return channel names with their sums of ``[first, last)``, most sales first.

    Sales without a channel stand under an empty name.
    """
    rows = (
        DailySales.objects.filter(day__gte=first, day__lt=last)
        .values("channel__name")
        .annotate(**_SUMS)
        .order_by("-sales_minor", "channel__name")
    )
    return [(row.pop("channel__name") or "", Sales(**row)) for row in rows]


def kpis(*, today: date, days: int = 30) -> list[Kpi]:
    """Return net sales, orders, sales per order and refund share of the last days.

    The period ends with today, which is still running, and is compared with as many
    days before it.
    """
    end = today + timedelta(days=1)
    middle = end - timedelta(days=days)
    now = sales_between(first=middle, last=end)
    before = sales_between(first=middle - timedelta(days=days), last=middle)
    return [
        Kpi("net_sales", now.net_minor, before.net_minor),
        Kpi("orders", now.orders, before.orders),
        Kpi("per_order", now.per_order_minor, before.per_order_minor),
        Kpi("refund_share", now.refund_share_bp, before.refund_share_bp),
    ]


def repurchase(
    *, at: datetime, window_days: int = 90, cohort_days: int = 365
) -> Repurchase:
    """Return how many first-time buyers bought again within ``window_days``.

    Only members whose whole window is over by ``at`` count: who bought first
    yesterday has not stayed away. Their first order lies within the ``cohort_days``
    before that.
    """
    until = at - timedelta(days=window_days)
    values = {
        "since": until - timedelta(days=cohort_days),
        "until": until,
        "window": timedelta(days=window_days),
    }
    with connection.cursor() as cursor:
        cursor.execute(_REPURCHASE, values)
        return Repurchase(*cursor.fetchone())


def data_span() -> tuple[date | None, date | None, datetime | None]:
    """Return the first and last day with figures, and when they were computed."""
    span = DailySales.objects.aggregate(
        first=Min("day"), last=Max("day"), refreshed=Max("refreshed_at")
    )
    return span["first"], span["last"], span["refreshed"]


def period_bounds(*, first: date, last: date) -> tuple[datetime, datetime]:
    """Return the moments of ``[first, last)`` in the shop, for links to lists (X3)."""
    return day_bounds(first)[0], day_bounds(last)[0]
