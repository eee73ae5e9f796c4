"""Freezing and unfreezing a member's points, as staff do it."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from crm.shared.clock import day_bounds
from loyalty.queries.books import open_freezes
from loyalty.services.freezing import (
    freeze_account,
    freeze_points,
    unfreeze_account,
    unfreeze_points,
)
from members.models import Member


def is_frozen(member: Member) -> bool:
    """Whether the account of a member is frozen."""
    account = getattr(member, "points_account", None)
    return bool(account and account.is_frozen)


def freeze(*, member: Member, data: dict, actor: Any, now: datetime) -> str:
    """Freeze the account."""
    freeze_account(
        member_id=member.pk,
        reason_code=data["reason_code"],
        reason=data["reason"],
        actor=actor,
        now=now,
        is_fraud=data["is_fraud"],
    )
    return _("The points account is frozen.")


def unfreeze(*, member: Member, data: dict, actor: Any, now: datetime) -> str:
    """Open the account again."""
    unfreeze_account(
        member_id=member.pk,
        reason_code=data["reason_code"],
        reason=data["reason"],
        actor=actor,
        now=now,
    )
    return _("The points account is open again.")


def freeze_some(*, member: Member, data: dict, actor: Any, now: datetime) -> str:
    """Set points aside."""
    until = data["until"]
    freeze = freeze_points(
        member_id=member.pk,
        points=data["points"],
        reason_code=data["reason_code"],
        reason=data["reason"],
        actor=actor,
        source=data["request_key"],
        until=day_bounds(until)[1] if until else None,
        now=now,
    )
    return _("%(points)s points are frozen.") % {"points": f"{freeze.hold.points:,d}"}


def unfreeze_some(*, member: Member, data: dict, actor: Any, now: datetime) -> str:
    """Give points back that were set aside."""
    freeze = unfreeze_points(
        freeze_id=data["freeze"].pk,
        reason_code=data["reason_code"],
        reason=data["reason"],
        actor=actor,
        now=now,
    )
    return _("%(points)s points are free again.") % {
        "points": f"{freeze.hold.points:,d}"
    }


def has_frozen(member: Member) -> bool:
    """Whether some points of a member are frozen."""
    account = getattr(member, "points_account", None)
    return bool(account and account.held) and open_freezes(member_id=member.pk).exists()
