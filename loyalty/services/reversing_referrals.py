"""Taking back what a friend brought, when the order that counted was given back.

Callers hold the accounts of both (``referring.locked_referral``).
"""

from datetime import datetime

from crm.shared.audit import record_audit
from crm.shared.outbox import record
from loyalty.events import ReferralReversed
from loyalty.models import Referral
from loyalty.queries.referrals import counted_friends
from loyalty.services.counting_friends import give_place_back
from loyalty.services.reward_kinds import Promise, RewardUsed, reward_kind
from loyalty.services.rewarding import take_grant_back
from loyalty.services.rewarding_referrals import ACTOR, COUPON, source_of
from members.queries import standing_id


def reverse_referral(*, referral: Referral, now: datetime) -> None:
    """Take both shares back by linked entries (P1), and publish it if there were any.

    Coupons are revoked; one that was used, or that an order holds, stays (C21).

    Who has too few left owes the rest or not, as with refunds (P16, P17). The friend
    no longer counts: the place under the cap is free again, and a milestone that is no
    longer reached is taken back, whichever friend reached it.
    """
    was_rewarded = referral.state == Referral.State.REWARDED
    referral.state, referral.settled_at = Referral.State.REVERSED, now
    referral.save()
    if not was_rewarded:
        return
    kept = []
    for share, member_id, coupon in (
        ("friend", standing_id(referral.friend_id), referral.friend_coupon),
        ("inviter", referral.inviter_id, referral.inviter_coupon),
    ):
        source = source_of(referral, share=share)
        take_grant_back(member_id=member_id, source=source, now=now)
        promise = Promise(member_id, {}, source, result=coupon)
        if coupon and not _revoke(promise, now=now):
            kept.append(coupon)
    if referral.counted_in:
        give_place_back(inviter_id=referral.inviter_id, period=referral.counted_in)
        _take_milestones_back(inviter_id=referral.inviter_id, now=now)
    record_audit(
        actor=ACTOR,
        action="referrals.reverse",
        obj=referral,
        detail={
            "inviter": referral.inviter_given,
            "friend": referral.friend_given,
            "coupons_kept": kept,
        },
        now=now,
    )
    record(
        ReferralReversed(
            referral_id=referral.pk,
            inviter_id=referral.inviter_id,
            friend_id=referral.friend_id,
        )
    )


def _revoke(promise: Promise, *, now: datetime) -> bool:
    """Take a coupon back; whether it was still there."""
    try:
        reward_kind(COUPON).undo(promise, now=now)
    except RewardUsed:
        return False
    return True


def _take_milestones_back(*, inviter_id: int, now: datetime) -> None:
    beyond = Referral.objects.filter(
        inviter_id=inviter_id, milestone_at__gt=counted_friends(inviter_id)
    )
    for reached in beyond.order_by("pk"):
        take_grant_back(
            member_id=inviter_id, source=source_of(reached, share="milestone"), now=now
        )
        reached.milestone_at, reached.milestone_points = None, 0
        reached.save(update_fields=["milestone_at", "milestone_points"])
