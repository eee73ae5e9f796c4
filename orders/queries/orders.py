"""A member's orders."""

from django.db.models import Prefetch, QuerySet

from orders.models import Order, OrderLine, Refund


def orders_of(*, member_id: int, state: str = "") -> QuerySet[Order]:
    """Return a member's orders with their lines, in a fixed number of statements."""
    lines = (
        OrderLine.objects.select_related("variant__product")
        .prefetch_related("allocations")
        .order_by("position")
    )
    refunds = Refund.objects.order_by("id").prefetch_related("lines__order_line")
    mine = Order.objects.filter(member_id=member_id).prefetch_related(
        Prefetch("lines", lines), Prefetch("refunds", refunds)
    )
    return mine.filter(state=state) if state else mine
