"""Writes one order with all that belongs to it, as ``order_serializers`` describes."""

from datetime import datetime
from typing import Any

from crm.shared.money import as_api
from orders.api.shapes import order_shape
from orders.models import Order, Payment, Product, Shipment
from orders.queries.returns import return_deadline
from orders.rules.lifecycle import Units, buyer_may


def order_detail_shape(order: Order, *, now: datetime) -> dict[str, Any]:
    """Return an order of ``orders.queries.orders.in_detail``."""
    return {
        **order_shape(order),
        **belongings(order),
        "can": deeds_of_buyer(order, now=now),
    }


def belongings(order: Order) -> dict[str, Any]:
    """Return offers, tenders and parcels of an order that comes with them."""
    return {
        "offers": _offers(order),
        "tenders": [_tender(each, order.currency) for each in order.tenders],
        "shipments": [shipment_shape(each) for each in order.shipments.all()],
    }


def _offers(order: Order) -> list[dict[str, Any]]:
    """Return every offer with its share of each line; shares add up to the lines'."""
    offers: dict[tuple[str, str], dict[str, Any]] = {
        (each.source_kind, each.source_id): {
            "type": each.source_kind,
            "id": each.source_id,
            "name": each.source_name,
            "amount_minor": each.amount_minor,
            "points": each.points,
            "shares": [],
        }
        for each in sorted(order.offers.all(), key=lambda o: (o.stage, o.pk))
    }
    told = set(offers)
    for line in order.lines.all():
        for part in line.allocations.all():
            key = (part.source_kind, part.source_id)
            offer = offers.setdefault(
                key,
                {
                    "type": part.source_kind,
                    "id": part.source_id,
                    "name": part.source_name,
                    "amount_minor": 0,
                    "points": 0,
                    "shares": [],
                },
            )
            if key not in told:
                # Orders of the past kept shares alone: their sum is the offer.
                offer["amount_minor"] += part.amount_minor
                offer["points"] += part.points
            offer["shares"].append(
                {
                    "position": line.position,
                    "amount": as_api(part.amount_minor, order.currency),
                    "points": part.points,
                }
            )
    return [
        {**rest, "amount": as_api(amount_minor, order.currency)}
        for amount_minor, rest in (
            (offer.pop("amount_minor"), offer) for offer in offers.values()
        )
    ]


def _tender(payment: Payment, currency: str) -> dict[str, Any]:
    return {
        "id": payment.public_id,
        "provider": payment.provider,
        "tender": payment.tender,
        "status": payment.state,
        "amount": as_api(payment.amount_minor, currency),
        "refunded": as_api(payment.refunded_minor, currency),
        "captured_at": payment.captured_at,
    }


def shipment_shape(shipment: Shipment) -> dict[str, Any]:
    """Return a parcel with its units by line; it comes with its lines."""
    return {
        "id": shipment.public_id,
        "status": shipment.state,
        "carrier": shipment.carrier,
        "tracking": shipment.tracking,
        "items": [
            {"position": part.order_line.position, "quantity": part.quantity}
            for part in shipment.lines.all()
        ],
        "sent_at": shipment.sent_at,
        "delivered_at": shipment.delivered_at,
    }


def deeds_of_buyer(order: Order, *, now: datetime) -> dict[str, bool]:
    """Return what the buyer may do with an order now; it comes with its lines."""
    due, ends_at = order.payment_due_at, return_deadline(order)
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
            for line in order.lines.all()
        ],
        is_ours=order.is_ours,
        is_overdue=due is not None and due <= now,
        is_return_late=ends_at is not None and ends_at <= now,
    )
