"""Hold a member on a tier by hand, and let go again (T10)."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from loyalty.models import PointsAccount, TierChange
from loyalty.queries.tier_measures import Counted, counted
from loyalty.queries.tier_terms import LadderInForce, ladders_in_force
from loyalty.rules.terms import Held
from loyalty.services.posting import locked_account
from loyalty.services.tiering import Deed, outcome, write


class NoSuchTier(Refusal):
    """The ladder has no such tier."""

    code = "tier_unknown"
    status = 422
    message = _("The ladder has no such tier.")


class PinEndsInPast(Refusal):
    """A pin must end in the future."""

    code = "pin_ends_in_past"
    status = 422
    message = _("A pin must end in the future.")


class NotPinned(Refusal):
    """Nobody pinned this member here."""

    code = "tier_not_pinned"
    message = _("Nobody pinned this member here.")


class NotEvaluated(Refusal):
    """The tier of a membership that is frozen or closed stays as it is."""

    code = "tier_not_evaluated"
    message = _("The tier of a membership that is frozen or closed stays as it is.")


@transaction.atomic
def pin_tier(
    *,
    member_id: int,
    ladder: str,
    tier: str,
    until: datetime | None,
    reason: str,
    actor: Any,
    now: datetime,
) -> TierChange | None:
    """Put a member on a tier and keep them there, whatever the numbers say (T10).

    Of a club this is how somebody becomes a member of it.

    Args:
        ladder: its code, ``main`` for the tiers prices go by.
        until: exclusive end; None is until somebody lets go.
        reason: for the audit trail.

    Returns:
        The change of tier, or None when the member held it already.

    Raises:
        NoSuchTier: there is no such ladder or tier.
        PinEndsInPast: ``until`` is not after ``now``.
        NotEvaluated: the membership is frozen or closed (T15).
    """
    if until is not None and until <= now:
        raise PinEndsInPast
    found = _ladder(ladder)
    rung = found.terms.rungs[found.terms.rank(tier)]
    if rung.code != tier or rung.is_removed:
        raise NoSuchTier
    each = _locked(found, member_id, now)
    since = each.held.since if each.held.tier == tier else now
    after = Held(tier=tier, since=since, is_pinned=True, pinned_until=until)
    changes = write(
        ladder=found, moved=[(each, after)], deed=Deed(now=now, reason="pin")
    )
    who = {"member_id": member_id, "reason": reason, "actor": actor, "now": now}
    end = until.isoformat() if until else None
    _audit("tier.pin", **who, ladder=ladder, tier=tier, until=end)
    return changes[0] if changes else None


@transaction.atomic
def unpin_tier(
    *, member_id: int, ladder: str, reason: str, actor: Any, now: datetime
) -> TierChange | None:
    """Let go of a pinned member: the tier the numbers reach counts at once (T10).

    Who is let go of in a club leaves it.

    Returns:
        The change of tier, or None when it stays.

    Raises:
        NoSuchTier: there is no such ladder.
        NotPinned: the member is not pinned there.
        NotEvaluated: the membership is frozen or closed (T15).
    """
    found = _ladder(ladder)
    each = _locked(found, member_id, now)
    if not each.held.is_pinned:
        raise NotPinned
    deed = Deed(now=now, reason="unpin")
    let_go = replace(each, held=replace(each.held, pinned_until=now))
    after = outcome(ladder=found, each=let_go, deed=deed)
    changes = write(ladder=found, moved=[(each, after)], deed=deed)
    who = {"member_id": member_id, "reason": reason, "actor": actor, "now": now}
    _audit("tier.unpin", **who, ladder=ladder, tier=after.tier)
    return changes[0] if changes else None


def _ladder(code: str) -> LadderInForce:
    found = (each for each in ladders_in_force() if each.ladder.code == code)
    ladder = next(found, None)
    if ladder is None:
        raise NoSuchTier
    return ladder


def _locked(ladder: LadderInForce, member_id: int, now: datetime) -> Counted:
    locked_account(member_id=member_id, now=now)
    each = counted(ladder, at=now, member_ids=[member_id])[member_id]
    if not each.is_evaluated:
        raise NotEvaluated
    return each


def _audit(
    action: str,
    *,
    member_id: int,
    reason: str,
    actor: Any,
    now: datetime,
    **detail: Any,
) -> None:
    record_audit(
        actor=actor,
        action=action,
        object_type=PointsAccount._meta.label,
        object_id=str(member_id),
        reason=reason,
        detail=detail,
        now=now,
    )
