"""Asking providers to give money back, until they have (R18).

Every attempt is claimed by a conditional write first, and the provider is asked
outside any transaction with a key that never changes: asked twice, it pays once.
"""

import logging
from datetime import datetime, timedelta

from django.db.models import F

from orders.models import Payment, Refund
from orders.providers.base import ProviderUnavailable, RefundAnswer, provider_of
from orders.services.refunding import complete_refund, fail_refund

log = logging.getLogger(__name__)

#: First and longest wait between attempts; doubled each time.
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)


def send_due_refunds(*, now: datetime, limit: int = 50) -> int:
    """Ask for every refund and surplus that is due; return how many were settled."""
    refunds = Refund.objects.filter(state=Refund.State.REQUESTED, due_at__lte=now)
    surplus = Payment.objects.filter(
        state=Payment.State.SURPLUS, return_due_at__lte=now
    )
    settled = 0
    for pk in refunds.order_by("due_at").values_list("pk", flat=True)[:limit]:
        settled += send_refund(refund_id=pk, now=now)
    for pk in surplus.order_by("return_due_at").values_list("pk", flat=True)[:limit]:
        settled += return_surplus(payment_id=pk, now=now)
    return settled


def send_refund(*, refund_id: int, now: datetime) -> bool:
    """Make one attempt at a refund that is due; whether it is closed now."""
    refund = Refund.objects.select_related("order", "payment").get(pk=refund_id)
    claimed = Refund.objects.filter(
        pk=refund_id,
        state=Refund.State.REQUESTED,
        due_at__lte=now,
        attempts=refund.attempts,
    ).update(attempts=F("attempts") + 1, due_at=now + wait_after(refund.attempts))
    if not claimed:
        return False
    answer = _ask(
        refund.payment, refund.public_id, refund.amount_minor, refund.order.currency
    )
    if answer is RefundAnswer.DONE:
        return complete_refund(refund_id=refund_id, now=now)
    if answer is RefundAnswer.REFUSED:
        return fail_refund(refund_id=refund_id, now=now)
    return False


def return_surplus(*, payment_id: int, now: datetime) -> bool:
    """Make one attempt to return money nobody wanted; whether it is back now."""
    payment = Payment.objects.select_related("order").get(pk=payment_id)
    attempts = payment.return_attempts
    is_surplus = Payment.objects.filter(pk=payment_id, state=Payment.State.SURPLUS)
    claimed = is_surplus.filter(
        return_due_at__lte=now, return_attempts=attempts
    ).update(
        return_attempts=F("return_attempts") + 1,
        return_due_at=now + wait_after(attempts),
    )
    if not claimed:
        return False
    answer = _ask(
        payment, payment.public_id, payment.amount_minor, payment.order.currency
    )
    if answer is not RefundAnswer.DONE:
        # A refusal here needs a person: it stays in the list and is tried again.
        return False
    return bool(
        is_surplus.update(
            state=Payment.State.RETURNED,
            refunded_minor=F("amount_minor"),
            return_due_at=None,
        )
    )


def wait_after(attempts: int) -> timedelta:
    """Return how long to wait after so many earlier attempts."""
    return min(FIRST_WAIT * 2 ** min(attempts, 10), LONGEST_WAIT)


def _ask(
    payment: Payment, key: str, amount_minor: int, currency: str
) -> RefundAnswer | None:
    try:
        return provider_of(payment.provider).refund(
            key=key,
            reference=payment.provider_ref or "",
            amount_minor=amount_minor,
            currency=currency,
        )
    except ProviderUnavailable:
        log.warning("The payment provider did not answer.", extra={"refund": key})
        return None
