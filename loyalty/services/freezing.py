"""Stop a member's points from being spent, and let them go again (P14)."""

from datetime import datetime
from typing import Any

from django.db import transaction

from crm.shared.audit import record_audit
from loyalty.models import PointsAccount
from loyalty.services.posting import locked_account


def freeze_account(*, member_id: int, reason: str, actor: Any, now: datetime) -> bool:
    """Freeze a member's points: still earned, none spent; whether it was news.

    Points already reserved for an order are spent when it is paid.
    """
    return _set(True, member_id=member_id, reason=reason, actor=actor, now=now)


def unfreeze_account(*, member_id: int, reason: str, actor: Any, now: datetime) -> bool:
    """Let a member spend points again; whether it was news. Ends stay as they are."""
    return _set(False, member_id=member_id, reason=reason, actor=actor, now=now)


@transaction.atomic
def _set(
    frozen: bool, *, member_id: int, reason: str, actor: Any, now: datetime
) -> bool:
    account = locked_account(member_id=member_id, now=now)
    if account.is_frozen == frozen:
        return False
    PointsAccount.objects.filter(pk=account.pk).update(is_frozen=frozen)
    record_audit(
        actor=actor,
        action="points.freeze" if frozen else "points.unfreeze",
        object_type=PointsAccount._meta.label,
        object_id=str(member_id),
        reason=reason,
        now=now,
    )
    return True
