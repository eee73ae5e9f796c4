"""Group deals, the groups of buyers, and their seats."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet
from django.db.models.functions import Coalesce

from campaigns.models import (
    Group,
    GroupDeal,
    Seat,
)
from orders.models import Order
from orders.queries.exchanges import replacements_of
from orders.queries.refunds import root_of
from orders.queries.returns import return_deadline
from orders.rules.lifecycle import STANDING

_LEADERS = Prefetch(
    "seats",
    Seat.objects.filter(is_leader=True).select_related("member"),
    to_attr="leaders",
)


def deals_on(*, at: datetime) -> QuerySet[GroupDeal]:
    """Return the deals that open groups now, with their steps."""
    return (
        GroupDeal.objects.filter(
            Q(ends_at__isnull=True) | Q(ends_at__gt=at),
            state=GroupDeal.State.LIVE,
            starts_at__lte=at,
            rungs__isnull=False,
        )
        .distinct()
        .select_related("variant__product", "leader_coupon")
        .prefetch_related("rungs")
    )


def groups_to_join(*, deal_id: int, at: datetime) -> QuerySet[Group]:
    """Return open groups of a deal with a free seat, those that end first in front."""
    open_ones = Group.objects.filter(
        deal_id=deal_id,
        state=Group.State.OPEN,
        deadline_at__gt=at,
        size__gt=F("held") + F("paid"),
    )
    return open_ones.prefetch_related(_LEADERS).order_by("deadline_at", "pk")


def visible_groups() -> QuerySet[Group]:
    """Return groups whose leader has paid (G1), with their deals."""
    shown = Group.objects.filter(opened_at__isnull=False)
    return shown.select_related("deal").prefetch_related(_LEADERS)


def seats_of(*, member_id: int) -> QuerySet[Seat]:
    """Return a member's seats with their groups, deals and orders."""
    return (
        Seat.objects.filter(member_id=member_id)
        .select_related("order", "group__deal")
        .prefetch_related(
            Prefetch(
                "group__seats",
                Seat.objects.filter(is_leader=True).select_related("member"),
                to_attr="leaders",
            )
        )
    )


@dataclass(frozen=True, slots=True)
class Staying:
    """What stays of a group that succeeded.

    ``kept`` seats were not given back; none counts once the leader's own was, unless
    the leader keeps the reward. ``is_final`` says that none can be sent back any more.
    """

    kept: int
    is_final: bool


def what_stays(group: Group, *, at: datetime) -> Staying:
    """Return what stays of a group that succeeded and promised its leader something."""
    seats = group.seats.filter(state__in=[Seat.State.PAID, Seat.State.REFUNDED])
    rows = list(seats.select_related("order"))
    standing = standing_orders(rows)
    kept = {seat.pk for seat in rows if standing[seat.pk]}
    own = {seat.pk for seat in rows if seat.is_leader}
    if group.reward["keeps"]:
        kept |= own
    ends = [
        return_deadline(order.delivered_at or order.closed_at)
        for orders in standing.values()
        for order in orders
    ]
    return Staying(
        kept=len(kept) if own <= kept else 0,
        is_final=all(end is not None and end <= at for end in ends),
    )


def standing_orders(seats: Sequence[Seat]) -> dict[int, list[Order]]:
    """Return by seat what it paid for and still stands (R19).

    Its order, or what replaces the units of that: other goods instead are a seat that
    stays (R13). A statement, and one more for each time that units were exchanged.
    """
    replaced_by = replacements_of([seat.order_id for seat in seats])
    return {
        seat.pk: [
            order
            for order in [seat.order, *replaced_by[seat.order_id]]
            if order.state in STANDING
        ]
        for seat in seats
    }


def seat_of_order(order_id: int) -> Seat | None:
    """Return the seat that an order paid for, or whose units it replaces (R13)."""
    order = Order.objects.select_related("exchange_of").get(pk=order_id)
    seats = Seat.objects.select_related("order", "group")
    return seats.filter(order_id=root_of(order).pk).first()


def leaders_to_reward(*, at: datetime, after_id: int, limit: int) -> Sequence[int]:
    """Return groups whose leader's reward may be decided: no seat is on its way.

    Args:
        after_id: those with a greater key, in the order of keys.
    """
    latest = at - timedelta(days=settings.RETURN_DAYS)
    on_its_way = (
        Seat.objects.filter(
            group=OuterRef("pk"), state=Seat.State.PAID, order__state__in=STANDING
        )
        .alias(came_at=Coalesce("order__delivered_at", "order__closed_at"))
        .filter(Q(came_at__isnull=True) | Q(came_at__gt=latest))
    )
    awaiting = Group.objects.filter(awaits_reward=True, pk__gt=after_id)
    due = awaiting.filter(Q(reward__waits=False) | ~Exists(on_its_way))
    return list(due.order_by("pk").values_list("pk", flat=True)[:limit])
