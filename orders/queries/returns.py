"""Goods on their way back."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import QuerySet

from orders.models import OrderLine, ReturnRequest
from orders.rules.returns import return_ends_at


def returns_of(*, member_id: int) -> QuerySet[ReturnRequest]:
    """Return a member's returns with everything the API shows."""
    return with_lines(ReturnRequest.objects.filter(order__member_id=member_id))


def with_lines(requests: QuerySet[ReturnRequest]) -> QuerySet[ReturnRequest]:
    """Return returns with order, lines, history, refund and what replaces them."""
    return requests.select_related("order", "refund__replaced_by").prefetch_related(
        "lines__order_line", "lines__wanted", "events"
    )


def return_deadline(delivered_at: datetime | None) -> datetime | None:
    """Return when goods can no longer be sent back (R17); None is never."""
    return return_ends_at(
        delivered_at,
        days=settings.RETURN_DAYS,
        zone=ZoneInfo(settings.SHOP_TIME_ZONE),
    )


def wanted_units(request: ReturnRequest) -> dict[int, int]:
    """Return SKU -> units that an exchange wants instead."""
    units: dict[int, int] = {}
    for line in request.lines.filter(wanted__isnull=False):
        units[line.wanted_id] = units.get(line.wanted_id, 0) + line.quantity
    return units


def stock_of_return(request: ReturnRequest) -> set[int]:
    """Return the SKUs a return may move.

    What is asked back, what is wanted instead, and gifts that may follow (R8).
    """
    asked = request.lines.values_list("order_line__variant_id", "wanted_id")
    found = {variant_id for pair in asked for variant_id in pair if variant_id}
    gifts = OrderLine.objects.filter(order=request.order_id, gift_of__isnull=False)
    return found.union(gifts.values_list("variant_id", flat=True))
