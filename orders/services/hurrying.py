"""Staff have a refund sent to its provider now instead of when its turn comes (R18)."""

from datetime import datetime
from typing import Any

from django.db import transaction

from crm.shared.audit import record_audit
from crm.shared.hints import hint_on_commit
from orders.models import RefundTender
from orders.services.refunding import SEND_TASK, RefundUnderWay


@transaction.atomic
def send_tender_now(*, tender_id: int, actor: Any, now: datetime) -> RefundTender:
    """Let a part of a refund that waits for its next attempt be sent at once.

    The same key goes along, so that a provider never pays twice; again is harmless.

    Raises:
        RefundUnderWay: it is paid back, or was refused (``orders.services.mending``).
    """
    tender = (
        RefundTender.objects.select_for_update(no_key=True, of=("self",))
        .select_related("refund")
        .get(pk=tender_id)
    )
    if tender.state != RefundTender.State.DUE:
        raise RefundUnderWay
    tender.due_at = now
    tender.save(update_fields=["due_at"])
    record_audit(
        actor=actor,
        action="orders.refund_hurried",
        obj=tender.refund,
        detail={"tender": tender.key},
        now=now,
    )
    hint_on_commit(SEND_TASK)
    return tender
