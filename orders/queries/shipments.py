"""The parcels of an order."""

from django.db.models import Prefetch

from orders.models import Shipment, ShipmentLine


def shipments_of_order(*, order_id: int) -> list[Shipment]:
    """Return the parcels with what is in them, oldest first, in two statements."""
    parts = ShipmentLine.objects.select_related("order_line").order_by("order_line_id")
    shipments = Shipment.objects.filter(order_id=order_id).order_by("sent_at", "id")
    return list(shipments.prefetch_related(Prefetch("lines", parts)))
