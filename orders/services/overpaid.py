"""Giving money back without units: the agreed price fell after the payment (G11)."""

from datetime import datetime
from typing import Any

from django.db import transaction

from orders.models import Refund
from orders.services.refund_preview import quote_overpaid
from orders.services.refunding import asked_before, lock_orders, request_quoted


@transaction.atomic
def refund_overpaid(
    *,
    order_id: int,
    amount_minor: int,
    reason: str,
    actor: Any,
    request_key: str,
    now: datetime,
) -> Refund:
    """Give back money without units: the agreed price fell after the payment (G11).

    A later refund of the units gives back so much less; points are taken back as for
    goods. Calling again with the same ``request_key`` returns the first refund (X1).

    Raises:
        OrderNotRefundable, OrderWaits: see ``refund_order``.
        NothingToRefund: not positive, or more than is left of what was paid.
        RefundKeyReused: ``request_key`` named a refund of another order.
    """
    order = lock_orders(order_id=order_id)
    done = asked_before(request_key=request_key, order_id=order_id)
    if done:
        return done
    quote = quote_overpaid(order, amount_minor=amount_minor, now=now)
    return request_quoted(
        order=order,
        quote=quote,
        request_key=request_key,
        reason=reason,
        actor=actor,
        now=now,
    )
