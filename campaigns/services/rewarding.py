"""What the leader of a buying group gets when it succeeds (G16).

Both verbs lock the group, so that a refund and a reward never pass each other, and
look at the orders: the news may come in any order and any number of times.
"""

import logging
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext

from campaigns.models import Coupon, Group
from campaigns.queries.groups import leaders_to_reward, seat_of_order, what_stays
from campaigns.rules.groups import reward_left
from campaigns.services.issuing import issue_coupon
from campaigns.services.settling_groups import lock_group
from crm.shared.audit import record_audit
from crm.shared.logs import describe
from loyalty.services.adjusting import grant_points
from loyalty.services.rewarding import take_grant_back
from members.queries import standing_id

log = logging.getLogger(__name__)

_ACTOR = "campaigns.groups"


def reward_due_leaders(*, now: datetime, after_id: int = 0, limit: int = 200) -> int:
    """Reward leaders of groups nobody can send goods back to any more.

    Each in a transaction of its own. One that cannot be rewarded now, such as when the
    coupons are all gone, stops no other: the next round tries again.

    Args:
        after_id: begin behind this key.

    Returns:
        The last key looked at; 0 when there were none.
    """
    ids = leaders_to_reward(at=now, after_id=after_id, limit=limit)
    for group_id in ids:
        try:
            reward_leader(group_id=group_id, now=now)
        except Exception as error:
            log.exception(
                "The leader of a group could not be rewarded.",
                extra={"group": group_id, "error": describe(error)},
            )
    return ids[-1] if ids else 0


@transaction.atomic
def reward_leader(*, group_id: int, now: datetime) -> bool:
    """Give the leader of a group that succeeded what the deal promised, once.

    As the promise says: at once, or when no seat can be sent back any more. Seats that
    were given back by then count no longer (``campaigns.rules.groups.reward_left``).

    Returns:
        Whether this call gave something.

    Raises:
        CouponsAllGone: the coupon's stock is used up; to be called again.
    """
    group = lock_group(group_id=group_id)
    if not group.awaits_reward:
        return False
    staying = what_stays(group, at=now)
    if group.reward["waits"] and not staying.is_final:
        return False
    points, coupon = reward_left(group.reward, seats=group.paid, kept=staying.kept)
    member_id, source = _leader_of(group), source_of(group)
    if coupon:
        issue_coupon(template_id=coupon, member_id=member_id, source=source, now=now)
    if points:
        grant_points(
            member_id=member_id,
            points=points,
            reason=gettext("Leader of a successful group"),
            actor=_ACTOR,
            source=source,
            now=now,
        )
    Group.objects.filter(pk=group.pk).update(awaits_reward=False)
    return bool(points or coupon)


@transaction.atomic
def take_reward_back(*, order_id: int, now: datetime) -> bool:
    """Take from a leader's reward what the seats that stay no longer bring.

    A coupon that an order holds or used stays (C21). Points that are spent already are
    owed or not, as with refunds (P16). What is not given yet is decided later.

    Args:
        order_id: the order of a seat, or one that replaced its units (R13).

    Returns:
        Whether anything was taken by this call.
    """
    seat = seat_of_order(order_id)
    if seat is None:
        return False
    group = lock_group(group_id=seat.group_id)
    is_given = group.state == Group.State.SUCCEEDED and not group.awaits_reward
    if not group.reward or not is_given:
        return False
    kept = what_stays(group, at=now).kept
    points, coupon = reward_left(group.reward, seats=group.paid, kept=kept)
    member_id, source = _leader_of(group), source_of(group)
    revoked = 0 if coupon else _revoke(group, member_id)
    entry = take_grant_back(member_id=member_id, source=source, keep=points, now=now)
    if not revoked and entry is None:
        return False
    record_audit(
        actor=_ACTOR,
        action="groups.take_reward_back",
        obj=group,
        detail={"coupons": revoked, "points": entry.points if entry else 0},
        now=now,
    )
    return True


def _revoke(group: Group, member_id: int) -> int:
    """Revoke the leader's coupon, also where the leader gave it away."""
    free = Coupon.objects.filter(
        template_id=group.reward.get("coupon"),
        issued_to_id=member_id,
        source=source_of(group),
        state=Coupon.State.AVAILABLE,
    )
    return free.update(state=Coupon.State.REVOKED)


def source_of(group: Group) -> str:
    """Return how ledgers name the reward of a group."""
    return f"group:{group.public_id}"


def _leader_of(group: Group) -> int:
    """Return the member who led it, or whom they became."""
    leader = group.seats.values_list("member_id", flat=True).get(is_leader=True)
    return standing_id(leader)
