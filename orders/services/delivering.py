"""Parcels arrive: because somebody says so, or after days of silence."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Sum

from crm.shared.outbox import record, record_all
from orders.events import OrderCompleted, OrderDelivered, OrderShipped
from orders.models import (
    Order,
    OrderEvent,
    Product,
    Refund,
    RefundLine,
    Shipment,
)
from orders.rules.lifecycle import STANDING, Units, delivery_state, way_to
from orders.services.moving import lock_order, move_order

SILENCE_ACTOR = "silence"
_FACTS = {
    Order.State.SHIPPED: OrderShipped,
    Order.State.DELIVERED: OrderDelivered,
    Order.State.COMPLETED: OrderCompleted,
}
#: The moment that goes with a state.
_MOMENTS = {
    Order.State.SHIPPED: "shipped_at",
    Order.State.DELIVERED: "delivered_at",
    Order.State.COMPLETED: "closed_at",
}
_ARRIVED = (Order.State.DELIVERED, Order.State.COMPLETED)


def settle_delivery(
    *, order: Order, actor: Any, reason: str = "", now: datetime
) -> Order:
    """Move a locked, paid order to where its parcels say it stands.

    Publishes OrderShipped, OrderDelivered and OrderCompleted on the way. Orders that
    are delivered, completed or over are left alone, and so are those that wait for
    more than their payment. For use in a transaction.

    Raises:
        MoveRefused: the actor may not make this move.
    """
    if order.state not in STANDING or order.state in _ARRIVED or order.waits_for:
        return order
    units = _units(order)
    if all(line.refunded >= line.bought for line in units):
        # Nothing is left to be had: a refund still under way will close it.
        return order
    under_way = order.shipments.filter(state=Shipment.State.SENT).exists()
    target = delivery_state(units, is_under_way=under_way)
    for state in way_to(order.state, target):
        _step(order, state, actor=actor, reason=reason, now=now)
    return order


def _step(
    order: Order, state: str, *, actor: Any, reason: str = "", now: datetime
) -> None:
    # On the way back, after a lost parcel, it is no longer sent as a whole.
    moment = _MOMENTS.get(state)
    changes = {moment: now} if moment else {"shipped_at": None}
    move_order(
        order=order, to_state=state, actor=actor, reason=reason, now=now, **changes
    )
    if state in _FACTS:
        record(_FACTS[state](order_id=order.pk))


def _units(order: Order) -> list[Units]:
    """Return the units of each line; those of open refunds may still be sent."""
    undecided = dict(
        RefundLine.objects.filter(
            refund__order=order, refund__state=Refund.State.REQUESTED
        )
        .values_list("order_line_id")
        .annotate(Sum("quantity"))
    )
    return [
        Units(
            bought=line.quantity,
            refunded=line.refunded_quantity - undecided.get(line.pk, 0),
            shipped=line.shipped_quantity,
            needs_delivery=line.kind == Product.Kind.GOODS,
        )
        for line in order.lines.all()
    ]


@transaction.atomic
def review_delivery(*, order_id: int, actor: Any = None, now: datetime) -> Order:
    """Look again where an order stands; see ``settle_delivery``.

    After a payment: what has nothing to deliver is completed. After a refund: the
    units given back are no longer waited for.
    """
    order = lock_order(order_id=order_id)
    return settle_delivery(order=order, actor=actor, now=now)


@transaction.atomic
def deliver_shipment(
    *, shipment_id: int, actor: Any, at: datetime | None = None, now: datetime
) -> bool:
    """Note that a parcel arrived; the last one makes the order delivered.

    Args:
        at: when it arrived; ``now`` when left out.

    Returns:
        Whether this call did it; a parcel that arrived, or was lost, is left alone.
    """
    order_id = Shipment.objects.values_list("order_id", flat=True).get(pk=shipment_id)
    order = lock_order(order_id=order_id)
    done = Shipment.objects.filter(pk=shipment_id, state=Shipment.State.SENT).update(
        state=Shipment.State.DELIVERED, delivered_at=at or now
    )
    if done:
        settle_delivery(order=order, actor=actor, now=at or now)
    return bool(done)


@transaction.atomic
def deliver_silent(*, now: datetime, limit: int = 200) -> int:
    """Count parcels sent ``DELIVERED_AFTER_DAYS`` ago as delivered, many at once.

    Orders somebody works on at this moment are left for the next round. Shipped
    orders whose last parcel it was are delivered; publishes OrderDelivered.

    Returns:
        How many parcels.
    """
    latest = now - timedelta(days=settings.DELIVERED_AFTER_DAYS)
    silent = Shipment.objects.filter(state=Shipment.State.SENT, sent_at__lte=latest)
    candidates = list(
        silent.order_by("sent_at").values_list("order_id", flat=True)[:limit]
    )
    orders = lock_free_orders(candidates)
    delivered = silent.filter(order_id__in=orders).update(
        state=Shipment.State.DELIVERED, delivered_at=now
    )
    under_way = Shipment.objects.filter(
        order_id=OuterRef("pk"), state=Shipment.State.SENT
    )
    arrived = Order.objects.filter(
        ~Exists(under_way), pk__in=orders, state=Order.State.SHIPPED
    )
    move_many(
        list(arrived.order_by("pk").values_list("pk", flat=True)),
        from_state=Order.State.SHIPPED,
        to_state=Order.State.DELIVERED,
        actor=SILENCE_ACTOR,
        now=now,
    )
    return delivered


def lock_free_orders(order_ids: list[int]) -> list[int]:
    """Lock those of some orders that nobody else holds, and return their keys."""
    return list(
        Order.objects.filter(pk__in=order_ids)
        .order_by("pk")
        .select_for_update(no_key=True, skip_locked=True)
        .values_list("pk", flat=True)
    )


def move_many(
    order_ids: list[int], *, from_state: str, to_state: str, actor: str, now: datetime
) -> None:
    """Move locked orders of one state at once, with their history and facts."""
    if not order_ids:
        return
    Order.objects.filter(pk__in=order_ids).update(
        state=to_state, **{_MOMENTS[to_state]: now}
    )
    OrderEvent.objects.bulk_create(
        OrderEvent(
            order_id=pk,
            from_state=from_state,
            to_state=to_state,
            actor=actor,
            occurred_at=now,
        )
        for pk in order_ids
    )
    record_all(_FACTS[to_state](order_id=pk) for pk in order_ids)
