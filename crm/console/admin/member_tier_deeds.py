"""Hold a member on a tier, and let go: what the dialogs of the member page do."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from crm.shared.clock import day_bounds
from loyalty.services.pinning import pin_tier, unpin_tier
from members.models import Member


def is_pinned(member: Member) -> bool:
    """Whether there is anything to let go of."""
    return member.tier_standings.filter(is_pinned=True).exists()


def pin(*, member: Member, data: dict, actor: Any, now: datetime) -> str:
    """Hold the member to the end of a day, or until somebody lets go."""
    tier, until = data["tier"], data["until"]
    pin_tier(
        member_id=member.pk,
        ladder=tier.ladder.code,
        tier=tier.code,
        until=day_bounds(until)[1] if until else None,
        reason=data["reason"],
        actor=actor,
        now=now,
    )
    return _("The member is held on %(tier)s.") % {"tier": tier.label}


def unpin(*, member: Member, data: dict, actor: Any, now: datetime) -> str:
    """Let the numbers decide again."""
    unpin_tier(
        member_id=member.pk,
        ladder=data["ladder"].code,
        reason=data["reason"],
        actor=actor,
        now=now,
    )
    return _("The numbers decide on the tier again.")
