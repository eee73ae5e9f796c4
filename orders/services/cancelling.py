"""Cancelling what was not paid: by a person, or by the deadline."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from crm.shared.outbox import record
from orders.events import OrderCancelled
from orders.models import Order, OrderEvent
from orders.services.moving import lock_order, move_order
from orders.services.stocking import (
    lock_stock,
    release_stock,
    release_stock_of_orders,
    units_by_order,
    units_of_orders,
)
from orders.services.tendering import release_tenders
from orders.services.wallets import lock_wallets_of_orders

DEADLINE_ACTOR = "deadline"


class OrderNotCancellable(Refusal):
    """This order can no longer be cancelled."""

    code = "order_not_cancellable"
    message = _("This order can no longer be cancelled.")


@transaction.atomic
def cancel_order(*, order_id: int, actor: Any, reason: str, now: datetime) -> Order:
    """Cancel an unpaid order and publish ``OrderCancelled``; again is harmless.

    Stock and stored value are free at once, parts that were captured go back;
    subscribers release points and coupons (C9).

    Raises:
        OrderNotCancellable: it was paid, and a refund is what undoes it; or another
            system keeps its stock.
    """
    lock_wallets_of_orders([order_id])
    units = units_of_orders([order_id])
    lock_stock(units)
    order = lock_order(order_id=order_id)
    if order.state == Order.State.CANCELLED:
        return order
    if order.state != Order.State.PENDING or not order.is_ours:
        raise OrderNotCancellable
    move_order(
        order=order,
        to_state=Order.State.CANCELLED,
        actor=actor,
        reason=reason,
        now=now,
        closed_at=now,
    )
    release_stock(units, order_id=order_id, now=now)
    release_tenders([order_id], now=now)
    record(OrderCancelled(order_id=order_id))
    return order


@transaction.atomic
def release_unpaid(*, now: datetime, limit: int = 200) -> int:
    """Cancel orders whose payment is overdue, many at once; return how many.

    Orders that somebody is paying at this moment are left for the next round.
    """
    overdue = Order.objects.filter(
        state=Order.State.PENDING, payment_due_at__lte=now
    ).order_by("payment_due_at")
    candidates = list(overdue.values_list("pk", flat=True)[:limit])
    if not candidates:
        return 0
    # As everywhere: wallets, stock, orders. Some of it may turn out not to be needed.
    lock_wallets_of_orders(candidates)
    lock_stock(units_of_orders(candidates))
    ids = list(
        Order.objects.filter(pk__in=candidates, state=Order.State.PENDING)
        .order_by("pk")
        .select_for_update(no_key=True, skip_locked=True)
        .values_list("pk", flat=True)
    )
    Order.objects.filter(pk__in=ids).update(state=Order.State.CANCELLED, closed_at=now)
    release_stock_of_orders(units_by_order(ids), now=now)
    release_tenders(ids, now=now)
    OrderEvent.objects.bulk_create(
        OrderEvent(
            order_id=pk,
            from_state=Order.State.PENDING,
            to_state=Order.State.CANCELLED,
            actor=DEADLINE_ACTOR,
            occurred_at=now,
        )
        for pk in ids
    )
    for pk in ids:
        record(OrderCancelled(order_id=pk))
    return len(ids)
