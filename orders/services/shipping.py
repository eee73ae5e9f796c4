"""Sending parcels: units leave the house once, in as many parcels as it takes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.outbox import record
from orders.events import ShipmentSent
from orders.models import Order, OrderLine, Product, Shipment, ShipmentLine
from orders.rules.lifecycle import SHIPPABLE
from orders.services.delivering import settle_delivery
from orders.services.moving import actor_name, lock_order, refuse_waiting

#: Units are counted as sent where so many are left: all lines at once.
_COUNT = """
UPDATE orders_orderline AS l SET shipped_quantity = l.shipped_quantity + w.quantity
  FROM unnest(%s::int[], %s::int[]) AS w (position, quantity)
 WHERE l.order_id = %s AND l.position = w.position AND l.kind = %s AND w.quantity > 0
   AND l.shipped_quantity + w.quantity <= l.quantity - l.refunded_quantity
RETURNING l.position, l.id
"""


class OrderNotShippable(Refusal):
    """Nothing of this order waits to be sent."""

    code = "order_not_shippable"
    message = _("Nothing of this order waits to be sent.")


class NothingToShip(Refusal):
    """So many units of line %(position)s are not there to be sent."""

    code = "nothing_to_ship"
    message = _("So many units of line %(position)s are not there to be sent.")


class ShipmentSettled(Refusal):
    """This shipment has arrived, or is lost already."""

    code = "shipment_settled"
    message = _("This shipment has arrived, or is lost already.")


@transaction.atomic
def ship(
    *,
    order_id: int,
    items: Mapping[int, int],
    carrier: str = "",
    tracking: str = "",
    actor: Any,
    request_key: str | None = None,
    at: datetime | None = None,
    now: datetime,
) -> Shipment:
    """Send units of a paid order and publish ``ShipmentSent``.

    The order is partly shipped, or shipped when nothing is left (``OrderShipped``).
    Asked again with the same ``request_key`` the first shipment is returned (X1).

    Args:
        items: position of the line -> units in this parcel.
        carrier: who carries it; at most 60 characters.
        tracking: number of the parcel there; at most 80 characters.
        actor: the staff login, or the name of a server key.
        request_key: names this request; at most 80 characters.
        at: when it left; ``now`` when left out.

    Raises:
        OrderNotShippable, OrderWaits: unpaid, cancelled, or nothing is to be sent yet.
        NothingToShip: a line has fewer units that are neither sent nor given back.
    """
    order = lock_order(order_id=order_id)
    done = _asked_before(order, request_key)
    if done:
        return done
    if order.state not in SHIPPABLE or not items:
        raise OrderNotShippable
    refuse_waiting(order)
    lines = _count(order, items)
    shipment = Shipment.objects.create(
        order=order,
        carrier=carrier,
        tracking=tracking,
        request_key=request_key,
        actor=actor_name(actor),
        sent_at=at or now,
    )
    ShipmentLine.objects.bulk_create(
        ShipmentLine(
            shipment=shipment, order_line_id=lines[position], quantity=quantity
        )
        for position, quantity in sorted(items.items())
    )
    record_audit(
        actor=actor,
        action="orders.ship",
        obj=order,
        detail={"shipment": shipment.public_id, "units": sum(items.values())},
        now=now,
    )
    settle_delivery(order=order, actor=actor, now=at or now)
    record(ShipmentSent(shipment_id=shipment.pk, order_id=order.pk))
    return shipment


def _asked_before(order: Order, request_key: str | None) -> Shipment | None:
    if request_key is None:
        return None
    return order.shipments.filter(request_key=request_key).first()


def _count(order: Order, items: Mapping[int, int]) -> dict[int, int]:
    """Count units as sent and return the lines' keys by position."""
    positions = sorted(items)
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT,
            [positions, [items[p] for p in positions], order.pk, Product.Kind.GOODS],
        )
        lines = dict(cursor.fetchall())
    short = [position for position in positions if position not in lines]
    if short:
        raise NothingToShip(position=short[0])
    return lines


def units_to_ship(*, order_id: int) -> dict[int, int]:
    """Return position -> units of an order that may leave, lines without any left out.

    Units whose refund was asked for stay.
    """
    left = F("quantity") - F("refunded_quantity") - F("shipped_quantity")
    lines = OrderLine.objects.filter(order_id=order_id, kind=Product.Kind.GOODS)
    return dict(
        lines.annotate(left=left)
        .filter(left__gt=0)
        .order_by("position")
        .values_list("position", "left")
    )


@transaction.atomic
def lose_shipment(
    *, shipment_id: int, actor: Any, reason: str, now: datetime
) -> Shipment:
    """Write a parcel off: its units are to be sent again, or to be refunded.

    Calling again is harmless.

    Raises:
        ShipmentSettled: it has arrived.
        MoveRefused: the actor may not.
    """
    order_id = Shipment.objects.values_list("order_id", flat=True).get(pk=shipment_id)
    order = lock_order(order_id=order_id)
    shipment = Shipment.objects.select_for_update(no_key=True).get(pk=shipment_id)
    if shipment.state == Shipment.State.LOST:
        return shipment
    if shipment.state != Shipment.State.SENT:
        raise ShipmentSettled
    shipment.state, shipment.lost_at = Shipment.State.LOST, now
    shipment.save(update_fields=["state", "lost_at"])
    for part in shipment.lines.order_by("order_line_id"):
        OrderLine.objects.filter(pk=part.order_line_id).update(
            shipped_quantity=F("shipped_quantity") - part.quantity
        )
    record_audit(
        actor=actor,
        action="orders.lose_shipment",
        obj=shipment,
        reason=reason,
        now=now,
    )
    settle_delivery(order=order, actor=actor, reason=reason, now=now)
    return shipment
