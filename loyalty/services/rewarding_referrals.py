"""What a friend who counts brings: points, coupons, milestones, within the cap.

Callers hold the accounts of both (``referring.locked_referral``).
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext

from crm.shared.outbox import record
from loyalty.events import ReferralRewarded
from loyalty.models import Referral, ReferralProgram
from loyalty.queries.referrals import counted_friends, referral_program
from loyalty.rules.referrals import period_of, reaches_milestone
from loyalty.services.adjusting import grant_points
from loyalty.services.counting_friends import take_place
from loyalty.services.reward_kinds import (
    Promise,
    RewardGone,
    RewardIncomplete,
    reward_kind,
)
from members.models import Member
from members.queries import standing_id

ACTOR = "loyalty.referrals"
#: Why a share was not given.
CAP_REACHED, INVITER_OUT, FRIEND_OUT, COUPON_GONE = (
    "cap_reached",
    "inviter_may_not_earn",
    "friend_may_not_earn",
    "coupon_gone",
)
#: Coupons are given by those above, as rewards are (``crm.wiring.REWARD_KINDS``).
COUPON = "coupon"


def reward_referral(*, referral: Referral, now: datetime) -> None:
    """Give what was promised for a friend who counts, and publish it.

    A share of nothing, of a membership that may not earn or beyond the cap is not
    given; the other one is.
    """
    referral.state, referral.settled_at = Referral.State.REWARDED, now
    friend_id = standing_id(referral.friend_id)
    able = set(
        Member.objects.may_earn()
        .filter(pk__in=[friend_id, referral.inviter_id])
        .values_list("pk", flat=True)
    )
    if friend_id in able:
        referral.friend_given = _grant(
            referral,
            member_id=friend_id,
            points=referral.friend_points,
            share="friend",
            reason=gettext("Welcome by a friend's invitation"),
            now=now,
        )
        referral.friend_coupon = _give_coupon(
            referral,
            member_id=friend_id,
            template=referral.friend_template,
            share="friend",
            now=now,
        )
    else:
        referral.reasons.append(FRIEND_OUT)
    if referral.inviter_id in able:
        _reward_inviter(referral, program=referral_program(), now=now)
    else:
        referral.reasons.append(INVITER_OUT)
    referral.save()
    record(
        ReferralRewarded(
            referral_id=referral.pk,
            inviter_id=referral.inviter_id,
            friend_id=referral.friend_id,
        )
    )


def source_of(referral: Referral, *, share: str) -> str:
    """Return how the ledger names a share: ``inviter``, ``friend``, ``milestone``."""
    return f"referral:{referral.public_id}:{share}"


def _reward_inviter(
    referral: Referral, *, program: ReferralProgram, now: datetime
) -> None:
    period = period_of(
        referral.converted_at,
        length=program.cap_period,
        zone=ZoneInfo(settings.SHOP_TIME_ZONE),
    )
    has_place = take_place(
        inviter_id=referral.inviter_id, period=period, most=program.cap_friends
    )
    if not has_place:
        referral.reasons.append(CAP_REACHED)
        return
    referral.counted_in = period
    referral.inviter_given = _grant(
        referral,
        member_id=referral.inviter_id,
        points=referral.inviter_points,
        share="inviter",
        reason=gettext("A friend came"),
        now=now,
    )
    referral.inviter_coupon = _give_coupon(
        referral,
        member_id=referral.inviter_id,
        template=referral.inviter_template,
        share="inviter",
        now=now,
    )
    _reach_milestone(referral, program=program, now=now)


def _reach_milestone(
    referral: Referral, *, program: ReferralProgram, now: datetime
) -> None:
    """Give more at every so many friends, once for each number that stands."""
    # Not saved as rewarded yet, so it is not among them.
    friends = counted_friends(referral.inviter_id) + 1
    reached = reaches_milestone(friends, every=program.milestone_every)
    mine = Referral.objects.filter(inviter_id=referral.inviter_id)
    if not reached or mine.filter(milestone_at=friends).exists():
        return
    referral.milestone_at = friends
    referral.milestone_points = _grant(
        referral,
        member_id=referral.inviter_id,
        points=program.milestone_points,
        share="milestone",
        reason=gettext("Milestone: %(friends)s friends") % {"friends": friends},
        now=now,
    )


def _grant(
    referral: Referral,
    *,
    member_id: int,
    points: int,
    share: str,
    reason: str,
    now: datetime,
) -> int:
    """Grant a share and return its points; a share of nothing is none."""
    if points:
        grant_points(
            member_id=member_id,
            points=points,
            reason=reason,
            actor=ACTOR,
            source=source_of(referral, share=share),
            now=now,
        )
    return points


def _give_coupon(
    referral: Referral, *, member_id: int, template: str, share: str, now: datetime
) -> str:
    """Issue the coupon of a share and return its public id; empty for none.

    One that is all gone, or whose template is no longer live, is noted as not given:
    the points of the share and the other side are given all the same.
    """
    if not template:
        return ""
    source = source_of(referral, share=share)
    promise = Promise(member_id, {"template": template}, source)
    try:
        with transaction.atomic():
            return reward_kind(COUPON).fulfil(promise, now=now)
    except (RewardGone, RewardIncomplete):
        if COUPON_GONE not in referral.reasons:
            referral.reasons.append(COUPON_GONE)
        return ""
