"""Book the points and the qualifying value of paid orders."""

from datetime import datetime

from django.db import transaction

from loyalty.models import PointsEntry
from loyalty.services.catching_up import book_until
from loyalty.services.order_points import earning_orders, source_of
from orders.models import Order
from orders.queries.refunds import root_of
from orders.rules.lifecycle import SOLD


@transaction.atomic
def earn_for_order(*, order_id: int, now: datetime) -> PointsEntry | None:
    """Book what a paid order spent and earns, once, and lift the tier it reaches.

    What happened to the member before and is not booked yet is booked first, so the
    multiplier is that of the tier held when the order was paid (P7) in whatever order
    the news arrive (X2). Publishes PointsEarned, and TierChanged.

    Returns:
        The entry, the same one on every call; None for an order that is unpaid,
        cancelled, or of nobody, or that replaces units for their value (R13).
    """
    paid = Order.objects.select_related("exchange_of").filter(
        pk=order_id, member__isnull=False, paid_at__isnull=False, state__in=SOLD
    )
    order = earning_orders(paid).first()
    if order is None:
        return None
    account = book_until(
        member_id=order.member_id,
        source=root_of(order).source,
        until=order.paid_at,
        now=now,
    )
    return PointsEntry.objects.get(
        account_id__in=account.accounts,
        kind=PointsEntry.Kind.EARN,
        source=source_of(order),
    )
