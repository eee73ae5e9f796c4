"""Asking providers what became of payments they did not tell us about.

A lost message must not lose an order: who paid is asked about from two minutes on,
again and again, less and less often, also after the order was cancelled or a message
told of a failure: only the provider's own answer ends it, or a day without one. The
answer goes the way of a message (``orders.services.payment.take_notice``).
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.hints import hint_on_commit
from orders.models import Payment
from orders.providers.base import NoticeKind, ProviderUnavailable, provider_of
from orders.services.payment import UnknownPayment, take_notice
from orders.services.returning import wait_after
from orders.services.tendering import RETURN_TASK

log = logging.getLogger(__name__)

ASK_TASK = "orders.tasks.ask_about_payments"
#: After so long nobody pays any more what is not waited for.
GIVE_UP = timedelta(days=1)
_ENDED = (Payment.State.CANCELLED, Payment.State.FAILED)
_ASKED = (Payment.State.PENDING, *_ENDED)


def ask_about_payments(*, now: datetime, limit: int = 50) -> int:
    """Ask about every payment that is due; return about how many we know now."""
    due = Payment.objects.filter(state__in=_ASKED, ask_due_at__lte=now)
    ids = list(due.order_by("ask_due_at").values_list("pk", flat=True)[:limit])
    return sum(ask_about(payment_id=pk, now=now) for pk in ids)


def ask_about(*, payment_id: int, now: datetime) -> bool:
    """Ask once about a payment that is due; return whether its end is known now.

    The attempt is claimed by a conditional write, the provider is asked outside any
    transaction.
    """
    payment = Payment.objects.select_related("order").get(pk=payment_id)
    claimed = Payment.objects.filter(
        pk=payment_id, ask_due_at__lte=now, ask_attempts=payment.ask_attempts
    ).update(
        ask_attempts=F("ask_attempts") + 1,
        ask_due_at=now + wait_after(payment.ask_attempts),
    )
    if not claimed:
        return False
    try:
        notice = provider_of(payment.provider).query(
            payment_id=payment.public_id,
            amount_minor=payment.amount_minor,
            currency=payment.order.currency,
        )
        if notice is not None:
            take_notice(provider=payment.provider, notice=notice, now=now)
    except ProviderUnavailable:
        log.warning("Asked about a payment, no answer.", extra={"payment": payment_id})
        return False
    except Refusal as refusal:
        # Another amount, or a provider that is gone: staff see it as stuck.
        log.error("A payment cannot be asked about: %s", refusal.code)
        return False
    is_over = notice is not None and notice.kind is NoticeKind.FAILED
    if is_over or payment.created_at + GIVE_UP <= now:
        _ask_no_more(payment_id)
    return not Payment.objects.filter(pk=payment_id, ask_due_at__isnull=False).exists()


def _ask_no_more(payment_id: int) -> None:
    """Close the question, unless the order waits for this very attempt."""
    Payment.objects.filter(pk=payment_id, state__in=_ENDED).update(ask_due_at=None)


@transaction.atomic
def ask_again(*, payment_id: int, actor: Any, now: datetime) -> Payment:
    """Let staff have a payment asked about, or a surplus returned, at once.

    Raises:
        UnknownPayment: nothing about it is open.
    """
    payment = (
        Payment.objects.select_for_update(no_key=True).filter(pk=payment_id).first()
    )
    if payment is not None and payment.state == Payment.State.SURPLUS:
        payment.return_due_at = now
        hint_on_commit(RETURN_TASK)
    elif payment is not None and payment.state in _ASKED:
        payment.ask_due_at = now
        hint_on_commit(ASK_TASK)
    else:
        raise UnknownPayment
    payment.save(update_fields=["return_due_at", "ask_due_at"])
    record_audit(actor=actor, action="payments.ask_again", obj=payment, now=now)
    return payment
