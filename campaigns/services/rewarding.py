"""What the leader of a buying group gets when it succeeds (G16).

Both verbs lock the group, so that a refund and a reward never pass each other.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext

from campaigns.models import Coupon, Group, Seat
from campaigns.services.issuing import issue_coupon
from campaigns.services.settling_groups import lock_group
from crm.shared.audit import record_audit
from loyalty.services.adjusting import grant_points
from loyalty.services.rewarding import take_grant_back
from members.queries import standing_id
from orders.models import Order

_ACTOR = "campaigns.groups"


@transaction.atomic
def reward_leader(*, group_id: int, now: datetime) -> bool:
    """Give the leader of a group that succeeded what the deal promised, once.

    A leader whose own order is given back already gets nothing, unless the deal lets
    leaders keep it.

    Returns:
        Whether there was something to give; again gives nothing more.

    Raises:
        CouponsAllGone: the coupon's stock is used up; told again until there is more.
    """
    group = lock_group(group_id=group_id)
    seat = group.seats.filter(is_leader=True).select_related("order").first()
    reward = group.reward
    if group.state != Group.State.SUCCEEDED or seat is None or not reward:
        return False
    if _is_forfeit(reward, seat):
        return False
    member_id, source = standing_id(seat.member_id), source_of(group)
    if reward.get("coupon"):
        issue_coupon(
            template_id=reward["coupon"], member_id=member_id, source=source, now=now
        )
    if reward.get("points"):
        grant_points(
            member_id=member_id,
            points=reward["points"],
            reason=gettext("Leader of a successful group"),
            actor=_ACTOR,
            source=source,
            now=now,
        )
    return True


@transaction.atomic
def take_reward_back(*, order_id: int, now: datetime) -> bool:
    """Take a leader's reward back once nothing is left of the leader's order.

    A coupon that an order holds or used stays (C21). Points that are spent already are
    owed or not, as with refunds (P16). A deal may let leaders keep all of it.

    Returns:
        Whether anything was taken by this call.
    """
    seat = Seat.objects.filter(order_id=order_id, is_leader=True).first()
    if seat is None:
        return False
    group = lock_group(group_id=seat.group_id)
    seat = Seat.objects.select_related("order").get(pk=seat.pk)
    if not group.reward or not _is_forfeit(group.reward, seat):
        return False
    member_id, source = standing_id(seat.member_id), source_of(group)
    # Also where the leader gave it away.
    revoked = Coupon.objects.filter(
        template_id=group.reward.get("coupon"),
        issued_to_id=member_id,
        source=source,
        state=Coupon.State.AVAILABLE,
    ).update(state=Coupon.State.REVOKED)
    entry = take_grant_back(member_id=member_id, source=source, now=now)
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


def source_of(group: Group) -> str:
    """Return how ledgers name the reward of a group."""
    return f"group:{group.public_id}"


def _is_forfeit(reward: dict, seat: Seat) -> bool:
    return not reward["keeps"] and seat.order.state == Order.State.REFUNDED
