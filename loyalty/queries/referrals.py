"""Who brought whom: what friends bought, what is due, and what inviters see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import (
    Count,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Sum,
)
from django.db.models.functions import Coalesce

from loyalty.models import Referral, ReferralConversion, ReferralProgram
from loyalty.rules.referrals import GivenBack, Purchase
from orders.models import Order, Refund
from orders.models.order import EXCHANGE
from orders.queries.refunds import goods_minor
from orders.queries.returns import return_deadline
from orders.rules.lifecycle import SOLD


def referral_program() -> ReferralProgram:
    """Return the terms of referrals; a migration writes them."""
    return ReferralProgram.objects.get()


def purchases_of(member_id: int, *, since: datetime) -> list[Purchase]:
    """Return what a member paid since then, with what went back of it.

    Two statements, three more where something went back. What replaces units of an
    order is no purchase of its own: what goes back of it goes back of the first one.
    """
    orders = list(
        Order.objects.filter(
            member_id=member_id, paid_at__gte=since, state__in=SOLD, waits_for=""
        ).annotate(
            goods_net_minor=Sum("lines__net_minor", filter=Q(lines__kind="goods"))
        )
    )
    first = _first_orders(orders)
    back: dict[int, list[GivenBack]] = {}
    refunds = Refund.objects.filter(
        order_id__in=first, state=Refund.State.COMPLETED
    ).values_list("pk", "order_id", "completed_at")
    given = list(refunds)
    values = goods_minor([pk for pk, _order, _at in given]) if given else {}
    for pk, order_id, at in given:
        back.setdefault(first[order_id], []).append(GivenBack(at, values.get(pk, 0)))
    return [
        Purchase(
            order_id=order.pk,
            paid_at=order.paid_at,
            closes_at=return_deadline(order.delivered_at or order.closed_at),
            net_minor=order.goods_net_minor or 0,
            given_back=tuple(back.get(order.pk, ())),
        )
        for order in orders
        if order.source != EXCHANGE
    ]


def of_buyer(member_id: int) -> QuerySet[Referral]:
    """Return the referrals a buyer came by: the own, and those merged into them."""
    return Referral.objects.filter(
        Q(friend_id=member_id) | Q(friend__merged_into_id=member_id)
    )


def due_for_review(*, now: datetime, after_id: int, limit: int) -> Sequence[int]:
    """Return waiting referrals that an order past its return window may decide.

    Orders too small to count are not looked at again and again.

    Args:
        after_id: those with a greater key, in the order of keys.
    """
    ended = Order.objects.filter(
        member_id=OuterRef("buyer_id"),
        paid_at__gte=OuterRef("joined_at"),
        state__in=SOLD,
    ).alias(
        came_at=Coalesce("delivered_at", "closed_at"),
        agreed_minor=F("goods_minor") - F("discount_minor"),
    )
    enough = ended.filter(agreed_minor__gte=OuterRef("least_order_minor"))
    latest = now - timedelta(days=settings.RETURN_DAYS)
    return list(
        Referral.objects.filter(
            pk__gt=after_id,
            state=Referral.State.WAITING,
            conversion=ReferralConversion.KEPT_ORDER,
        )
        .alias(buyer_id=Coalesce("friend__merged_into_id", "friend_id"))
        .filter(Exists(enough.filter(came_at__lte=latest)))
        .order_by("pk")
        .values_list("pk", flat=True)[:limit]
    )


def held_referrals() -> QuerySet[Referral]:
    """Return referrals that wait for staff, the longest first."""
    held = Referral.objects.filter(state=Referral.State.HELD)
    return held.select_related("inviter").order_by("settled_at", "pk")


def joined_lately(referral: Referral, *, hours: int) -> int:
    """Return how many friends of the inviter joined in the hours up to this one."""
    return Referral.objects.filter(
        inviter_id=referral.inviter_id,
        joined_at__gt=referral.joined_at - timedelta(hours=hours),
        joined_at__lte=referral.joined_at,
    ).count()


def counted_friends(inviter_id: int) -> int:
    """Return how many friends count for an inviter, within the cap."""
    rewarded = Referral.objects.filter(
        inviter_id=inviter_id, state=Referral.State.REWARDED
    )
    return rewarded.exclude(counted_in="").count()


@dataclass(frozen=True, slots=True)
class ReferralSummary:
    """What bringing friends came to for one inviter."""

    joined: int
    waiting: int
    rewarded: int
    points: int


def referral_summary(inviter_id: int) -> ReferralSummary:
    """Return counts and points of an inviter, in one statement.

    One that is held for a look waits as far as the inviter is told.
    """
    state = Referral.State
    stands = Q(state=state.REWARDED)
    row = Referral.objects.filter(inviter_id=inviter_id).aggregate(
        joined=Count("pk"),
        waiting=Count("pk", filter=Q(state__in=[state.WAITING, state.HELD])),
        rewarded=Count("pk", filter=stands),
        shares=Sum("inviter_given", filter=stands, default=0),
        milestones=Sum("milestone_points", default=0),
    )
    points = row.pop("shares") + row.pop("milestones")
    return ReferralSummary(**row, points=points)


def friends_of(inviter_id: int) -> QuerySet[Referral]:
    """Return whom a member brought, with their names."""
    return Referral.objects.filter(inviter_id=inviter_id).select_related("friend")


def _first_orders(orders: Sequence[Order]) -> dict[int, int]:
    """Return by order the one that was first paid with money (R13)."""
    replaced = {order.pk: order.exchange_of_id for order in orders}
    first = {}
    for order in orders:
        root = order.pk
        while replaced.get(root):
            root = replaced[root]
        first[order.pk] = root
    return first
