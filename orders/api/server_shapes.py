"""Writes orders for programs, as ``server_serializers`` describes them."""

from typing import Any

from orders.api.order_shapes import belongings
from orders.api.shapes import order_shape, refund_shape
from orders.models import Refund
from orders.queries.orders import ShownOrder, ShownRefund

_NOT_FOR_PROGRAMS = ("status", "items", "points_spent", "payment_due_at", "refunds")


def server_order_shape(order: ShownOrder) -> dict[str, Any]:
    """Return an order of ``orders.queries.orders.foreign_order``."""
    told = order_shape(order)
    return {
        **{name: told[name] for name in told if name not in _NOT_FOR_PROGRAMS},
        "source": order.source,
        "external_ref": order.external_ref,
        "state": order.state,
        "region": order.region,
        "member": _member(order.member),
        "lines": told["items"],
        **belongings(order),
        "refunds": [
            server_refund_shape(refund, order.currency) for refund in order.refunds
        ],
    }


def _member(member: list[str] | None) -> dict[str, str] | None:
    return member and dict(zip(("id", "number"), member, strict=True))


def server_refund_shape(refund: Refund | ShownRefund, currency: str) -> dict[str, Any]:
    """Return a refund with its number at the other system."""
    return {
        **refund_shape(refund, currency),
        "external_ref": refund.external_ref,
    }
