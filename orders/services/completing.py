"""Orders are done: the buyer has what they bought and says so, or time does."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from crm.shared.outbox import record
from orders.events import OrderCompleted
from orders.models import Order, Shipment
from orders.services.delivering import lock_free_orders, move_many, settle_delivery
from orders.services.moving import MEMBER, lock_order, move_order

PATIENCE_ACTOR = "deadline"


class OrderNotConfirmable(Refusal):
    """This order is not on its way as a whole, so it cannot have arrived."""

    code = "order_not_confirmable"
    message = _(
        "This order is not on its way as a whole, so it cannot have arrived yet."
    )


@transaction.atomic
def complete_order(
    *, order_id: int, actor: Any, reason: str = "", now: datetime
) -> bool:
    """Close a delivered order and publish ``OrderCompleted``.

    Returns:
        Whether this call did it; a completed order is left alone.

    Raises:
        MoveRefused: it is not delivered.
    """
    order = lock_order(order_id=order_id)
    return _complete(order, actor=actor, reason=reason, now=now)


def _complete(order: Order, *, actor: Any, reason: str = "", now: datetime) -> bool:
    if order.state == Order.State.COMPLETED:
        return False
    move_order(
        order=order,
        to_state=Order.State.COMPLETED,
        actor=actor,
        reason=reason,
        now=now,
        closed_at=now,
    )
    record(OrderCompleted(order_id=order.pk))
    return True


@transaction.atomic
def confirm_order(*, order_id: int, now: datetime) -> Order:
    """The buyer has everything: what is on its way arrived, the order is completed.

    Calling again is harmless.

    Raises:
        OrderNotConfirmable: something was not sent yet, or the order is over.
    """
    order = lock_order(order_id=order_id)
    if order.state == Order.State.COMPLETED:
        return order
    if order.state == Order.State.SHIPPED:
        order.shipments.filter(state=Shipment.State.SENT).update(
            state=Shipment.State.DELIVERED, delivered_at=now
        )
        settle_delivery(order=order, actor=MEMBER, now=now)
    if order.state != Order.State.DELIVERED:
        raise OrderNotConfirmable
    _complete(order, actor=MEMBER, now=now)
    return order


@transaction.atomic
def complete_delivered(*, now: datetime, limit: int = 200) -> int:
    """Complete orders delivered ``COMPLETED_AFTER_DAYS`` ago, many at once.

    Orders somebody works on at this moment are left for the next round.

    Returns:
        How many.
    """
    latest = now - timedelta(days=settings.COMPLETED_AFTER_DAYS)
    due = Order.objects.filter(state=Order.State.DELIVERED, delivered_at__lte=latest)
    candidates = list(due.order_by("delivered_at").values_list("pk", flat=True)[:limit])
    locked = lock_free_orders(candidates)
    # Read again under the lock: a rival may have moved some meanwhile.
    ready = list(due.filter(pk__in=locked).order_by("pk").values_list("pk", flat=True))
    move_many(
        ready,
        from_state=Order.State.DELIVERED,
        to_state=Order.State.COMPLETED,
        actor=PATIENCE_ACTOR,
        now=now,
    )
    return len(ready)
