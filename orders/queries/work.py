"""What waits for somebody of the staff, oldest first: one queue each.

Payments under way too long stand in ``orders.queries.payments``.

Every queue is served by an index of what is open alone, so that counting it costs
what it is long, not what the shop sold.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q, QuerySet

from orders.models import (
    Order,
    Payment,
    RefundTender,
    ReturnRequest,
    Review,
    Variant,
)
from orders.queries.payments import MANY_ATTEMPTS
from orders.rules.lifecycle import SHIPPABLE

#: Returns whose next step is the staff's: answer, inspect, settle. Where no goods come
#: back, money follows the answer.
RETURN_WAITS = Q(state__in=["requested", "received", "inspected"]) | Q(
    state="approved", kind=ReturnRequest.Kind.REFUND_ONLY
)


def failing_refunds() -> QuerySet[RefundTender]:
    """Return parts of refunds a provider refused, or was asked for three times."""
    failing = Q(state=RefundTender.State.REFUSED) | Q(
        state=RefundTender.State.DUE, attempts__gte=MANY_ATTEMPTS
    )
    return (
        RefundTender.objects.filter(failing, refund__state="requested")
        .select_related("refund__order", "payment")
        .order_by("refund__requested_at", "pk")
    )


def surplus_payments() -> QuerySet[Payment]:
    """Return money that orders no longer wanted and that has not gone back."""
    return (
        Payment.objects.filter(state=Payment.State.SURPLUS)
        .select_related("order")
        .order_by("created_at", "pk")
    )


def returns_to_answer() -> QuerySet[ReturnRequest]:
    """Return returns whose next step is the staff's."""
    return (
        ReturnRequest.objects.filter(RETURN_WAITS)
        .select_related("order")
        .order_by("requested_at", "pk")
    )


def late_to_ship(now: datetime) -> QuerySet[Order]:
    """Return orders paid ``SHIP_WITHIN_HOURS`` ago with units still to be sent."""
    latest = now - timedelta(hours=settings.SHIP_WITHIN_HOURS)
    # Nothing is paid before it is placed; the index goes by the latter.
    return Order.objects.filter(
        state__in=SHIPPABLE, placed_at__lte=latest, paid_at__lte=latest
    ).order_by("paid_at", "pk")


def reviews_to_moderate() -> QuerySet[Review]:
    """Return reviews nobody decided on."""
    return (
        Review.objects.filter(state=Review.State.PENDING)
        .select_related("product")
        .order_by("created_at", "pk")
    )


def low_stock() -> QuerySet[Variant]:
    """Return sold SKUs with ``LOW_STOCK_UNITS`` or fewer free, fewest first.

    ``free`` is what is on hand and promised to nobody. SKUs without counting are left
    out.
    """
    return (
        Variant.objects.filter(is_active=True, product__is_listed=True)
        .annotate(free=F("on_hand") - F("reserved"))
        .filter(free__lte=settings.LOW_STOCK_UNITS)
        .select_related("product")
        .order_by("free", "pk")
    )
