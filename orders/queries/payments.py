"""Payments that need somebody to look at them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from orders.models import Payment, Refund, RefundTender

#: Attempts after which a machine has shown that it cannot do it alone.
MANY_ATTEMPTS = 3
#: How long a payment may be under way before it is worth a look.
LONG_UNDER_WAY = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Stuck:
    """Three queues, each oldest first."""

    #: Under way too long, or asked about again and again.
    payments: QuerySet[Payment]
    #: Money nobody wanted that does not go back.
    surplus: QuerySet[Payment]
    #: Refunds the provider does not make.
    refunds: QuerySet[Refund]


def stuck_payments(now: datetime) -> Stuck:
    """Return what hangs at payment providers; counts and rows are the caller's."""
    payments = Payment.objects.select_related("order").order_by("created_at", "pk")
    return Stuck(
        payments=payments.filter(
            state=Payment.State.PENDING, created_at__lte=now - LONG_UNDER_WAY
        ),
        surplus=payments.filter(
            state=Payment.State.SURPLUS, return_attempts__gte=MANY_ATTEMPTS
        ),
        refunds=Refund.objects.select_related("order")
        .filter(
            Exists(
                RefundTender.objects.filter(
                    refund=OuterRef("pk"), attempts__gte=MANY_ATTEMPTS
                )
            ),
            state=Refund.State.REQUESTED,
        )
        .order_by("requested_at", "pk"),
    )
