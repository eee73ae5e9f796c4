"""A referral from joining to its end: everything is read anew from the orders.

Facts may come twice, late and in any order (X2): each of them only has the referral
looked at, and a look finds the same whenever it comes.
"""

from datetime import datetime

from django.db import transaction

from loyalty.models import Referral, ReferralConversion
from loyalty.queries.referral_marks import MOST_FRIENDS, marks_of, together
from loyalty.queries.referrals import (
    due_for_review,
    friends_of,
    joined_lately,
    of_buyer,
    purchases_of,
    referral_program,
)
from loyalty.rules.referrals import (
    SELF_REFERRAL,
    SUSPICIONS,
    Conversion,
    Purchase,
    conversion_of,
    still_counts,
    suspicions,
)
from loyalty.services.merging_points import locked_pair
from loyalty.services.one_by_one import each_alone
from loyalty.services.reversing_referrals import reverse_referral
from loyalty.services.rewarding_referrals import reward_referral
from members.models import Invitation, Member
from members.queries import standing_id
from orders.models import Order

#: Referrals that nothing can change any more.
_OVER = (Referral.State.REJECTED, Referral.State.REVERSED)


@transaction.atomic
def open_referral(*, friend_id: int, now: datetime) -> Referral | None:
    """Promise what the program says for a member who joined by invitation, once.

    Returns:
        The referral, the same one on every call; None while the program is off, or
        for a member who was not invited, or by whom they became one with since.
    """
    done = Referral.objects.filter(friend_id=friend_id).first()
    if done is not None:
        return done
    terms = referral_program()
    invitation = Invitation.objects.filter(invitee_id=friend_id).first()
    if invitation is None or not terms.is_active:
        return None
    inviter_id = standing_id(invitation.inviter_id)
    if inviter_id == friend_id:
        return None
    referral, is_new = Referral.objects.get_or_create(
        friend_id=friend_id,
        defaults={
            "inviter_id": inviter_id,
            "joined_at": invitation.accepted_at,
            "conversion": terms.conversion,
            "least_order_minor": terms.least_order_minor,
            "inviter_points": terms.inviter_points,
            "friend_points": terms.friend_points,
            "inviter_template": terms.inviter_template,
            "friend_template": terms.friend_template,
        },
    )
    if is_new:
        # Devices sign out and cards are removed: what they have in common is best seen
        # now, and is looked for again when the friend counts.
        referral.reasons = _suspicions(referral, buyer_id=standing_id(friend_id))
        referral.save(update_fields=["reasons"])
    # An order may have been paid before this fact came.
    return review_referral(referral_id=referral.pk, now=now)


@transaction.atomic
def review_referral(*, referral_id: int, now: datetime) -> Referral:
    """Bring a referral to where its friend's orders say it stands.

    A friend who counts brings the rewards, or is held where something speaks against
    it; one whose order was given back brings them no longer. Again is harmless.
    """
    referral = locked_referral(referral_id=referral_id, now=now)
    if referral.state in _OVER:
        return referral
    buyer_id = standing_id(referral.friend_id)
    purchases = purchases_of(buyer_id, since=referral.joined_at)
    if referral.state == Referral.State.WAITING:
        found = conversion_of(
            referral.conversion,
            joined_at=referral.joined_at,
            least_minor=referral.least_order_minor,
            purchases=purchases,
            now=now,
        )
        if found is None:
            return referral
        _convert(referral, found, buyer_id=buyer_id)
    if _is_given_back(referral, purchases):
        reverse_referral(referral=referral, now=now)
    elif referral.state == Referral.State.WAITING:
        _settle(referral, now=now)
    return referral


@transaction.atomic
def review_of_order(*, order_id: int, now: datetime) -> int:
    """Look at the referrals that the buyer of an order came by; return how many.

    Those that wait for a return window are left to ``sweep_referrals``: nobody waits
    for the inviter's account for nothing.
    """
    member_id = Order.objects.values_list("member_id", flat=True).get(pk=order_id)
    if member_id is None:
        return 0
    open_ones = of_buyer(member_id).exclude(state__in=_OVER)
    due = open_ones.exclude(
        state=Referral.State.WAITING, conversion=ReferralConversion.KEPT_ORDER
    )
    ids = list(due.order_by("pk").values_list("pk", flat=True))
    for referral_id in ids:
        review_referral(referral_id=referral_id, now=now)
    return len(ids)


def sweep_referrals(*, now: datetime, after_id: int = 0, limit: int = 200) -> int:
    """Look at referrals that wait for a return window which is over by now.

    Each in a transaction of its own. One that fails is logged, and stops no other
    (P29).

    Args:
        after_id: begin behind this key.

    Returns:
        The last key looked at; 0 when there were none.
    """
    ids = due_for_review(now=now, after_id=after_id, limit=limit)

    def review(referral_id: int) -> int:
        review_referral(referral_id=referral_id, now=now)
        return 1

    each_alone(review, ids=ids, what="the review of a referral")
    return ids[-1] if ids else 0


def locked_referral(*, referral_id: int, now: datetime) -> Referral:
    """Return a referral after locking its inviter's and its friend's accounts.

    Before them the members, where coupons are promised.

    A merge that came between has moved it to somebody else, whose account is locked
    as well.
    """
    whose: set[int] = set()
    while True:
        referral = Referral.objects.get(pk=referral_id)
        needed = {referral.inviter_id, standing_id(referral.friend_id)}
        if needed <= whose:
            return Referral.objects.select_for_update().get(pk=referral_id)
        if referral.inviter_template or referral.friend_template:
            # A coupon locks its member, and everybody locks members before accounts.
            members = Member.objects.select_for_update(no_key=True).order_by("pk")
            list(members.filter(pk__in=needed).values_list("pk"))
        locked_pair(member_ids=sorted(needed), now=now)
        whose |= needed


def _convert(referral: Referral, found: Conversion, *, buyer_id: int) -> None:
    """Note by what the friend counts, and what spoke against it then or ever since."""
    referral.order_id, referral.converted_at = found.order_id, found.at
    known = {*referral.reasons, *_suspicions(referral, buyer_id=buyer_id)}
    referral.reasons = [code for code in SUSPICIONS if code in known]


def _suspicions(referral: Referral, *, buyer_id: int) -> list[str]:
    """Return what speaks against a referral at the moment."""
    terms = referral_program()
    inviter_id = referral.inviter_id
    # Who was merged into the friend they brought stays the inviter.
    is_one_member = buyer_id == standing_id(inviter_id)
    others = friends_of(inviter_id).exclude(pk=referral.pk)
    newest = others.order_by("-joined_at", "-pk").values_list("friend_id", flat=True)
    friends = list(newest[:MOST_FRIENDS])
    marks = marks_of({inviter_id, buyer_id, *friends})
    return list(
        suspicions(
            is_one_member=is_one_member,
            friend={} if is_one_member else marks.get(buyer_id, {}),
            inviter=marks.get(inviter_id, {}),
            others=together([marks.get(each, {}) for each in friends]),
            joined_lately=joined_lately(referral, hours=terms.velocity_hours),
            most_lately=terms.velocity_friends,
        )
    )


def _settle(referral: Referral, *, now: datetime) -> None:
    """Reward who counts; hold what looks suspicious, refuse what is nobody else."""
    if not referral.reasons:
        reward_referral(referral=referral, now=now)
        return
    is_self = SELF_REFERRAL in referral.reasons
    state = Referral.State.REJECTED if is_self else Referral.State.HELD
    referral.state, referral.settled_at = state, now
    referral.save()


def _is_given_back(referral: Referral, purchases: list[Purchase]) -> bool:
    least = referral.least_order_minor
    return any(
        not still_counts(each, least_minor=least)
        for each in purchases
        if each.order_id == referral.order_id
    )
