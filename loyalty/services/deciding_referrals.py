"""What staff make of a referral that is held for a look."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from loyalty.models import Referral
from loyalty.services.referring import locked_referral, review_referral
from loyalty.services.rewarding_referrals import reward_referral
from members.services.freezing import ReasonMissing


class ReferralNotHeld(Refusal):
    """This referral does not wait for a decision."""

    code = "referral_not_held"
    message = _("This referral does not wait for a decision.")


@transaction.atomic
def release_referral(
    *, referral_id: int, reason: str, actor: Any, now: datetime
) -> Referral:
    """Reward a held referral after all. Again is harmless.

    Raises:
        ReasonMissing: ``reason`` is empty.
        ReferralNotHeld: it is not held, or its order was given back meanwhile.
    """
    referral = _held(referral_id, Referral.State.REWARDED, reason=reason, now=now)
    if referral.state == Referral.State.HELD:
        reward_referral(referral=referral, now=now)
        _record(referral, "referrals.release", reason=reason, actor=actor, now=now)
    return referral


@transaction.atomic
def reject_referral(
    *, referral_id: int, reason: str, actor: Any, now: datetime
) -> Referral:
    """Refuse a held referral for good; nobody gets anything. Again is harmless.

    Raises:
        ReasonMissing: ``reason`` is empty.
        ReferralNotHeld: it is not held, or its order was given back meanwhile.
    """
    referral = _held(referral_id, Referral.State.REJECTED, reason=reason, now=now)
    if referral.state == Referral.State.HELD:
        referral.state, referral.settled_at = Referral.State.REJECTED, now
        referral.save(update_fields=["state", "settled_at"])
        _record(referral, "referrals.reject", reason=reason, actor=actor, now=now)
    return referral


def _held(referral_id: int, end: str, *, reason: str, now: datetime) -> Referral:
    """Return a locked referral that is held, or decided so already."""
    if not reason.strip():
        raise ReasonMissing
    locked_referral(referral_id=referral_id, now=now)
    # A refund whose fact is still under way must not be passed by.
    referral = review_referral(referral_id=referral_id, now=now)
    if referral.state not in {Referral.State.HELD, end}:
        raise ReferralNotHeld
    return referral


def _record(
    referral: Referral, action: str, *, reason: str, actor: Any, now: datetime
) -> None:
    record_audit(
        actor=actor,
        action=action,
        obj=referral,
        reason=reason,
        detail={"suspicions": referral.reasons},
        now=now,
    )
