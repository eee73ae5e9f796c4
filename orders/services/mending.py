"""What staff do about money a provider refused to give back (R4, R18)."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.hints import hint_on_commit
from orders.models import Refund, RefundTender
from orders.providers.base import provider_of
from orders.services.gift_cards import restore_gift_cards
from orders.services.refunding import (
    SEND_TASK,
    RefundUnderWay,
    close_order_if_empty,
    count_refund,
    lock_refund,
)
from orders.services.returning import WALLET


class ConsentNeeded(Refusal):
    """Say when and how the member agreed to stored value."""

    code = "consent_needed"
    status = 422
    message = _("Say when and how the member agreed to stored value.")


class NoWallet(Refusal):
    """Nobody known bought this: there is no stored value to give it to."""

    code = "no_wallet"
    message = _("Nobody known bought this: there is no stored value to give it to.")


@transaction.atomic
def retry_tender(*, tender_id: int, actor: Any, now: datetime) -> RefundTender:
    """Ask a provider that refused again, with the same key; again is harmless.

    Raises:
        RefundUnderWay: it did not refuse.
    """
    return _ask_again(tender_id, actor=actor, action="orders.refund_retried", now=now)


@transaction.atomic
def redirect_tender(
    *, tender_id: int, consent: str, actor: Any, now: datetime
) -> RefundTender:
    """Give what a provider refused to the member's stored value, as they agreed (R4).

    Args:
        consent: when and how the member agreed; at most 200 characters.

    Raises:
        ConsentNeeded: nothing is said about it.
        RefundUnderWay: the provider did not refuse.
        NoWallet: the order is nobody's.
        UnknownProvider: this shop keeps no stored value.
    """
    if len(consent.strip()) < 3:
        raise ConsentNeeded
    provider_of(WALLET)
    return _ask_again(
        tender_id,
        actor=actor,
        action="orders.refund_redirected",
        now=now,
        to_wallet=True,
        consent=consent.strip()[:200],
    )


def _ask_again(
    tender_id: int, *, actor: Any, action: str, now: datetime, **changes: Any
) -> RefundTender:
    tender = RefundTender.objects.select_related("refund__order").get(pk=tender_id)
    lock_refund(tender.refund)
    if changes.get("to_wallet") and tender.refund.order.member_id is None:
        raise NoWallet
    asked = RefundTender.objects.filter(
        pk=tender_id, state=RefundTender.State.REFUSED
    ).update(state=RefundTender.State.DUE, due_at=now, **changes)
    if not asked:
        raise RefundUnderWay
    record_audit(
        actor=actor,
        action=action,
        obj=tender.refund,
        reason=changes.get("consent", ""),
        detail={"tender": tender.key},
        now=now,
    )
    hint_on_commit(SEND_TASK)
    tender.refresh_from_db()
    return tender


@transaction.atomic
def withdraw_refund(*, refund_id: int, actor: Any, reason: str, now: datetime) -> bool:
    """Give up a refund that every provider refused; its units are free again.

    Returns:
        Whether this call did it; a closed refund is left alone.

    Raises:
        RefundUnderWay: a part was paid, or was asked for and the answer is not known;
            or a return was closed with it, or an order replaces its units.
    """
    refund = Refund.objects.get(pk=refund_id)
    order = lock_refund(refund)
    others = refund.tenders.exclude(state=RefundTender.State.REFUSED)
    is_tied = hasattr(refund, "return_request") or refund.replaced_by_id is not None
    if others.exists() or is_tied:
        raise RefundUnderWay
    closed = Refund.objects.filter(pk=refund_id, state=Refund.State.REQUESTED).update(
        state=Refund.State.FAILED
    )
    if closed:
        count_refund(refund, sign=-1)
        restore_gift_cards(refund=refund)
        # It may have been the last that kept an empty order open.
        close_order_if_empty(order, refund=refund, now=now)
        record_audit(
            actor=actor,
            action="orders.refund_withdrawn",
            obj=refund,
            reason=reason,
            now=now,
        )
    return bool(closed)
