"""What staff do about money a provider refused to give back (R4, R18)."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.hints import hint_on_commit
from orders.models import RefundTender
from orders.providers.base import provider_of
from orders.services.refunding import SEND_TASK, RefundUnderWay, lock_refund
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
