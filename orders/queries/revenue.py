"""Net revenue: what was sold, less what went back.

Sales count when they were placed, refunds when they were completed, returns without
a purchase and adjustments when they happened. Unpaid and cancelled orders don't count,
nor do those that wait, or waited in vain, for more than their payment (G15).
Every amount is in minor units.
"""

from collections import defaultdict
from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import F, QuerySet, Sum
from django.db.models.functions import TruncMonth

from orders.models import Adjustment, Order, Refund, UnmatchedReturn
from orders.rules.lifecycle import SOLD


def net_by_month(
    *, source: str | None = None, zone: tzinfo | None = None
) -> dict[str, int]:
    """Return net revenue by month such as ``2010-12``, in the order of time.

    Args:
        source: only what this system or import brought; all when None.
        zone: where months begin; the shop's when None.
    """
    zone = zone or ZoneInfo(settings.SHOP_TIME_ZONE)
    net: dict[str, int] = defaultdict(int)
    for sign, rows, moment, amount in _movements(source):
        months = rows.annotate(month=TruncMonth(moment, tzinfo=zone)).values("month")
        for month, total in months.annotate(total=Sum(amount)).values_list(
            "month", "total"
        ):
            net[f"{month:%Y-%m}"] += sign * total
    return dict(sorted(net.items()))


def net_by_member(*, source: str | None = None) -> dict[int | None, int]:
    """Return net revenue by member id; None holds what nobody known bought.

    Adjustments of the books belong to nobody and are not in it.
    """
    net: dict[int | None, int] = defaultdict(int)
    for sign, rows, _moment, amount in _movements(source):
        if rows.model is Adjustment:
            continue
        member = "order__member_id" if rows.model is Refund else "member_id"
        totals = rows.values(buyer=F(member)).annotate(total=Sum(amount))
        for member_id, total in totals.values_list("buyer", "total"):
            net[member_id] += sign * total
    return dict(net)


def _movements(source: str | None) -> list[tuple[int, QuerySet[Any], str, str]]:
    """Return sign, rows, moment and amount of everything that moves revenue."""
    only = {} if source is None else {"source": source}
    # A refund of a storefront order has its own source; the order's one decides.
    only_orders = {} if source is None else {"order__source": source}
    sold = Order.objects.filter(state__in=SOLD, waits_for="", **only)
    return [
        (1, sold, "placed_at", "total_minor"),
        (
            -1,
            Refund.objects.filter(
                state=Refund.State.COMPLETED,
                order__state__in=SOLD,
                order__waits_for="",
                **only_orders,
            ),
            "completed_at",
            "amount_minor",
        ),
        (-1, UnmatchedReturn.objects.filter(**only), "occurred_at", "amount_minor"),
        (1, Adjustment.objects.filter(**only), "occurred_at", "amount_minor"),
    ]
