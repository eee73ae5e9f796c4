"""Asking providers to give money back, until they have (R18).

Every attempt is claimed by a conditional write first, and the provider is asked
outside any transaction with a key that never changes: asked twice, it pays once. What
a provider refuses stays open for a person, see ``mending``.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from crm.shared.audit import record_audit
from orders.models import Payment, RefundTender
from orders.providers.base import ProviderUnavailable, RefundAnswer, provider_of
from orders.services.refunding import complete_refund, lock_refund

#: The provider of stored value.
WALLET = "wallet"

log = logging.getLogger(__name__)

#: First and longest wait between attempts; doubled each time.
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)


def send_due_refunds(*, now: datetime, limit: int = 50) -> int:
    """Ask for every tender and surplus that is due; return how many were settled."""
    tenders = RefundTender.objects.filter(state=RefundTender.State.DUE, due_at__lte=now)
    surplus = Payment.objects.filter(
        state=Payment.State.SURPLUS, return_due_at__lte=now
    )
    settled = 0
    for pk in tenders.order_by("due_at", "pk").values_list("pk", flat=True)[:limit]:
        settled += send_tender(tender_id=pk, now=now)
    for pk in surplus.order_by("return_due_at").values_list("pk", flat=True)[:limit]:
        settled += return_surplus(payment_id=pk, now=now)
    return settled


def send_tender(*, tender_id: int, now: datetime) -> bool:
    """Make one attempt at a tender that is due; whether there is an answer now."""
    tender = RefundTender.objects.select_related("refund__order", "payment").get(
        pk=tender_id
    )
    claimed = RefundTender.objects.filter(
        pk=tender_id,
        state=RefundTender.State.DUE,
        due_at__lte=now,
        attempts=tender.attempts,
    ).update(attempts=F("attempts") + 1, due_at=now + wait_after(tender.attempts))
    if not claimed:
        return False
    payment = tender.payment
    # Stored value is booked by the payment's name; a gateway knows its own.
    answer = _ask(
        WALLET if tender.to_wallet else payment.provider,
        payment.public_id if tender.to_wallet else payment.provider_ref or "",
        key=tender.key,
        amount_minor=tender.amount_minor,
        currency=tender.refund.order.currency,
    )
    if answer is None:
        return False
    return settle_tender(tender_id=tender_id, answer=answer, now=now)


@transaction.atomic
def settle_tender(*, tender_id: int, answer: RefundAnswer, now: datetime) -> bool:
    """Take a provider's answer, once, and complete the refund with its last tender.

    A refusal is written down and left to a person: the refund stays open.

    Returns:
        Whether this call did it.
    """
    tender = RefundTender.objects.select_related("refund").get(pk=tender_id)
    lock_refund(tender.refund)
    waiting = RefundTender.objects.filter(pk=tender_id, state=RefundTender.State.DUE)
    if answer is RefundAnswer.DONE:
        done = waiting.update(state=RefundTender.State.DONE, done_at=now, due_at=None)
        if done:
            complete_refund(refund_id=tender.refund_id, now=now)
        return bool(done)
    refused = waiting.update(state=RefundTender.State.REFUSED, due_at=None)
    if refused:
        record_audit(
            actor="orders.refunds",
            action="orders.refund_refused",
            obj=tender.refund,
            detail={"tender": tender.key, "attempts": tender.attempts},
            now=now,
        )
    return bool(refused)


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
        payment.provider,
        payment.provider_ref or "",
        key=payment.public_id,
        amount_minor=payment.amount_minor,
        currency=payment.order.currency,
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
    provider: str, reference: str, *, key: str, amount_minor: int, currency: str
) -> RefundAnswer | None:
    try:
        return provider_of(provider).refund(
            key=key, reference=reference, amount_minor=amount_minor, currency=currency
        )
    except ProviderUnavailable:
        log.warning("The payment provider did not answer.", extra={"refund": key})
        return None
