"""Writes one order with all that belongs to it, as ``order_serializers`` describes."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from crm.shared.money import as_api
from orders.api.shapes import order_shape, reduction_shape
from orders.models import Product
from orders.queries.orders import (
    ShownLine,
    ShownOrder,
    ShownReduction,
    ShownShipment,
    ShownTender,
)
from orders.queries.returns import return_deadline
from orders.rules.lifecycle import Units, buyer_may


def order_detail_shape(order: ShownOrder, *, now: datetime) -> dict[str, Any]:
    """Return an order of ``orders.queries.orders.order_of``."""
    return {
        **order_shape(order),
        **belongings(order),
        "can": deeds_of_buyer(order, now=now),
    }


def belongings(order: ShownOrder) -> dict[str, Any]:
    """Return offers, tenders and parcels of an order that comes with them."""
    return {
        "offers": _offers(order),
        "tenders": [_tender(each, order.currency) for each in order.tenders],
        "shipments": [shipment_shape(each) for each in order.shipments],
    }


def _offers(order: ShownOrder) -> list[dict[str, Any]]:
    """Return every offer with its share of each line; shares add up to the lines'."""
    shares: dict[tuple[str, str], list[tuple[ShownLine, ShownReduction]]] = {
        (each.source_kind, each.source_id): [] for each in order.offers
    }
    for line in order.lines:
        for part in line.allocations:
            key = (part.source_kind, part.source_id)
            shares.setdefault(key, []).append((line, part))
    told = {(each.source_kind, each.source_id): each for each in order.offers}
    return [
        {
            **reduction_shape(
                told.get(key) or _sum_of(part for _line, part in parts), order.currency
            ),
            "shares": [
                {
                    "position": line.position,
                    "amount": as_api(part.amount_minor, order.currency),
                    "points": part.points,
                }
                for line, part in parts
            ],
        }
        for key, parts in shares.items()
    ]


def _sum_of(parts: Iterable[ShownReduction]) -> ShownReduction:
    """Return the offer whose shares these are: orders of the past kept no more."""
    parts = list(parts)
    return replace(
        parts[0],
        amount_minor=sum(part.amount_minor for part in parts),
        points=sum(part.points for part in parts),
    )


def _tender(payment: ShownTender, currency: str) -> dict[str, Any]:
    return {
        "id": payment.public_id,
        "provider": payment.provider,
        "tender": payment.tender,
        "status": payment.state,
        "amount": as_api(payment.amount_minor, currency),
        "refunded": as_api(payment.refunded_minor, currency),
        "captured_at": payment.captured_at,
    }


def shipment_shape(shipment: ShownShipment) -> dict[str, Any]:
    """Return a parcel with its units by line."""
    return {
        "id": shipment.public_id,
        "status": shipment.state,
        "carrier": shipment.carrier,
        "tracking": shipment.tracking,
        "items": [
            {"position": position, "quantity": quantity}
            for position, quantity in shipment.lines
        ],
        "sent_at": shipment.sent_at,
        "delivered_at": shipment.delivered_at,
    }


def deeds_of_buyer(order: ShownOrder, *, now: datetime) -> dict[str, bool]:
    """Return what the buyer may do with an order now."""
    due, ends_at = order.payment_due_at, return_deadline(order.delivered_at)
    return buyer_may(
        order.state,
        [
            Units(
                bought=line.quantity,
                refunded=line.refunded_quantity,
                shipped=line.shipped_quantity,
                needs_delivery=line.kind == Product.Kind.GOODS,
                returning=line.returning_quantity,
                is_reviewed=line.is_reviewed,
            )
            for line in order.lines
        ],
        is_ours=order.is_ours,
        is_overdue=due is not None and due <= now,
        is_return_late=ends_at is not None and ends_at <= now,
    )
