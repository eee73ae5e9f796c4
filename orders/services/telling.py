"""Tell members' own books what orders say about them."""

from datetime import datetime

from django.db.models import Max

from members.services.waking import note_activity, note_past_activity
from orders.models import Order


def tell_of_purchase(*, order_id: int, now: datetime) -> bool:
    """Count a paid order as activity of its member; return whether one woke up."""
    order = Order.objects.only("member_id", "paid_at").get(pk=order_id)
    if order.member_id is None or order.paid_at is None:
        return False
    return note_activity(member_id=order.member_id, at=order.paid_at, now=now)


def tell_of_past_orders(*, source: str) -> None:
    """Count the paid orders of a source as activity, member by member; wake nobody."""
    newest = (
        Order.objects.filter(source=source, member__isnull=False, paid_at__isnull=False)
        .values_list("member_id")
        .annotate(at=Max("paid_at"))
        .order_by()
    )
    note_past_activity(newest=dict(newest))
