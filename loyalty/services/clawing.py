"""Take back what refunded goods earned, give back what they cost in points."""

from datetime import datetime

from django.db import transaction

from loyalty.models import PointsEntry
from loyalty.services.asking_back import set_aside
from loyalty.services.catching_up import book_until
from orders.models import Refund
from orders.queries.refunds import root_of
from orders.rules.lifecycle import SOLD


@transaction.atomic
def settle_refund(*, refund_id: int, now: datetime) -> PointsEntry | None:
    """Book a completed refund, once (R10): points, qualifying value, tier, value.

    Points spent on the refunded goods go back first (P20), then earned points are
    taken back cumulatively (P19); those of other units that are asked back wait on. The
    qualifying value falls in the window of the order (T2), and a tier reached only by
    it is undone at once (T9). What happened to the member before and is not booked yet
    is booked first (X2).

    Returns:
        The claw-back entry, the same one on every call; None for a refund that is not
        completed, or of nobody.
    """
    refund = (
        Refund.objects.select_related("order__exchange_of")
        .filter(
            pk=refund_id,
            state=Refund.State.COMPLETED,
            order__member__isnull=False,
            order__paid_at__isnull=False,
            order__state__in=SOLD,
        )
        .first()
    )
    if refund is None:
        return None
    order = root_of(refund.order)
    account = book_until(
        member_id=order.member_id,
        source=order.source,
        until=max(refund.completed_at, order.paid_at),
        now=now,
    )
    set_aside(root=order, account=account, now=now)
    return PointsEntry.objects.get(
        account_id__in=account.accounts,
        kind=PointsEntry.Kind.CLAW_BACK,
        source=f"refund:{refund.public_id}",
    )
