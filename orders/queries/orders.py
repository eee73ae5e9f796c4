"""A member's orders."""

from collections.abc import Collection
from datetime import date
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Prefetch, QuerySet

from crm.shared.dates import bounds_of_day
from orders.models import Order, OrderLine, Payment, Refund, Shipment, ShipmentLine

#: Attempts that brought nothing are no tenders.
_TENDERS = (
    Payment.State.HELD,
    Payment.State.CAPTURED,
    Payment.State.SURPLUS,
    Payment.State.RETURNED,
)


def orders_of(
    *,
    member_id: int,
    states: Collection[str] | None = None,
    may_wait: bool = True,
    placed_from: date | None = None,
    placed_until: date | None = None,
) -> QuerySet[Order]:
    """Return a member's orders with their lines, in a fixed number of statements.

    Args:
        states: only these; all of them when left out.
        may_wait: also those that wait for more than their payment.
        placed_from, placed_until: first and last day, in the shop's zone (X3).
    """
    mine = _with_lines(Order.objects.filter(member_id=member_id))
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    if states is not None:
        mine = mine.filter(state__in=states)
    if not may_wait:
        mine = mine.filter(waits_for="")
    if placed_from:
        mine = mine.filter(placed_at__gte=bounds_of_day(placed_from, zone)[0])
    if placed_until:
        mine = mine.filter(placed_at__lt=bounds_of_day(placed_until, zone)[1])
    return mine


def foreign_order(*, source: str, external_ref: str) -> Order | None:
    """Return the order another system knows under this number, in detail."""
    found = Order.objects.filter(source=source, external_ref=external_ref)
    nobody = [f"member__{name}" for name in ("name", "phone", "email", "birthday")]
    orders = _with_lines(found).select_related("channel", "member").defer(*nobody)
    return in_detail(orders).first()


def _with_lines(orders: QuerySet[Order]) -> QuerySet[Order]:
    lines = (
        OrderLine.objects.select_related("variant__product")
        .prefetch_related("allocations")
        .order_by("position")
    )
    refunds = Refund.objects.order_by("id").prefetch_related("lines__order_line")
    return orders.select_related("channel").prefetch_related(
        Prefetch("lines", lines), Prefetch("refunds", refunds)
    )


def in_detail(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Return orders of ``orders_of`` with offers, tenders and shipments, too."""
    parts = ShipmentLine.objects.select_related("order_line").order_by("order_line_id")
    return orders.prefetch_related(
        "offers",
        Prefetch(
            "payments",
            Payment.objects.filter(state__in=_TENDERS).order_by("id"),
            to_attr="tenders",
        ),
        Prefetch(
            "shipments",
            Shipment.objects.order_by("sent_at", "id").prefetch_related(
                Prefetch("lines", parts)
            ),
        ),
    )
