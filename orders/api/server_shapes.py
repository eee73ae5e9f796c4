"""Writes orders for programs, as ``server_serializers`` describes them."""

from typing import Any

from orders.api.order_shapes import belongings
from orders.api.shapes import order_shape, refund_shape
from orders.models import Order, Refund

_NOT_FOR_PROGRAMS = ("status", "items", "points_spent", "payment_due_at", "refunds")


def server_order_shape(order: Order) -> dict[str, Any]:
    """Return an order of ``orders.queries.orders.foreign_order``."""
    told = order_shape(order)
    return {
        **{name: told[name] for name in told if name not in _NOT_FOR_PROGRAMS},
        "source": order.source,
        "external_ref": order.external_ref,
        "state": order.state,
        "region": order.region,
        "member": _member(order),
        "lines": told["items"],
        **belongings(order),
        "refunds": [server_refund_shape(refund) for refund in order.refunds.all()],
    }


def _member(order: Order) -> dict[str, str] | None:
    if order.member is None:
        return None
    return {"id": order.member.public_id, "number": order.member.number}


def server_refund_shape(refund: Refund) -> dict[str, Any]:
    """Return a refund with its number at the other system."""
    return {
        **refund_shape(refund, refund.order.currency),
        "external_ref": refund.external_ref,
    }
