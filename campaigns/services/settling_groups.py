"""How a group ends: it succeeds once, fails at its deadline, or is closed.

Every function that takes a ``Group`` wants it locked, and leaves it as it stands in
the database. Orders are released here (G5, G15); what undoes them is left to the
news, one fact per seat (G6).
"""

import logging
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, OuterRef, Subquery
from django.utils.translation import gettext_lazy as _

from campaigns.events import GroupSettled, SeatOverpaid, SeatReleased
from campaigns.models import Group, GroupDeal, Seat
from campaigns.rules.groups import deadline_of, first_price, price_reached
from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.logs import describe
from crm.shared.outbox import record, record_all
from orders.models import Order, OrderEvent
from orders.services.waiting import stop_waiting

log = logging.getLogger(__name__)


class GroupNotOpen(Refusal):
    """This group is not open, so there is nothing to complete."""

    code = "group_not_open"
    message = _("This group is not open, so there is nothing to complete.")


def lock_group(*, group_id: int) -> Group:
    """Lock a group and return it; before its seats, its deal and its orders."""
    return Group.objects.select_for_update(no_key=True).get(pk=group_id)


def free_seats_of_deal(group: Group, *, count: int) -> None:
    """Let others have so many seats of the deal (G14)."""
    GroupDeal.objects.filter(pk=group.deal_id).update(taken=F("taken") - count)


def count_paid_orders(
    group: Group, *, only: Collection[int] | None = None, now: datetime
) -> int:
    """Turn holds whose orders are paid into paid seats; the leader's opens the group.

    Args:
        only: orders to look at; all of the group when left out.

    Returns:
        How many seats it turned.
    """
    if group.state not in Group.UNDER_WAY:
        return 0
    held = group.seats.filter(
        state=Seat.State.HELD, order__state=Order.State.PAID
    ).order_by("taken_at", "pk")
    if only is not None:
        held = held.filter(order_id__in=only)
    ids = list(held.values_list("pk", flat=True))
    if not ids:
        return 0
    # Whoever paid first may lead one day (G8), also where the news are late.
    paid = OrderEvent.objects.filter(
        order=OuterRef("order"), to_state=Order.State.PAID
    ).order_by("pk")
    Seat.objects.filter(pk__in=ids).update(
        state=Seat.State.PAID, paid_at=Subquery(paid.values("occurred_at")[:1])
    )
    group.held -= len(ids)
    group.paid += len(ids)
    changed = ["held", "paid"]
    if group.state == Group.State.OPENING:
        # Nobody but the leader has a seat before.
        group.state, group.opened_at = Group.State.OPEN, now
        group.deadline_at = deadline_of(
            now,
            hours=group.hours,
            ends_at=group.deal.ends_at,
            may_finish=group.deal.groups_may_finish,
        )
        changed += ["state", "opened_at", "deadline_at"]
    group.save(update_fields=changed)
    return len(ids)


def succeed_when_full(group: Group, *, now: datetime) -> bool:
    """Let an open group succeed whose every seat is paid; whether it did."""
    if group.state != Group.State.OPEN or group.paid < group.size:
        return False
    price_minor = price_reached(group.rungs, group.paid)
    if price_minor is None:
        return False
    _succeed(group, price_minor=price_minor, now=now)
    return True


def settle_due_groups(*, now: datetime, limit: int = 200) -> int:
    """Settle groups whose deadline has come; return how many were.

    One that cannot be settled now stops no other: the next round tries again.
    """
    due = Group.objects.filter(state__in=Group.UNDER_WAY, deadline_at__lte=now)
    ids = list(due.order_by("deadline_at").values_list("pk", flat=True)[:limit])
    settled = 0
    for group_id in ids:
        try:
            settled += settle_group(group_id=group_id, now=now)
        except Exception as error:
            log.exception(
                "A group could not be settled.",
                extra={"group": group_id, "error": describe(error)},
            )
    return settled


@transaction.atomic
def settle_group(*, group_id: int, now: datetime) -> bool:
    """Decide about a group whose deadline has come (G5, G6, G11); again is harmless.

    Whoever has paid by now counts, also where the news are still under way.

    Returns:
        Whether this call did it.
    """
    group = lock_group(group_id=group_id)
    if group.state not in Group.UNDER_WAY or group.deadline_at > now:
        return False
    count_paid_orders(group, now=now)
    if group.deadline_at > now:
        # The leader paid at the last moment: the time of the group begins.
        return False
    price_minor = price_reached(group.rungs, group.paid)
    if group.state == Group.State.OPENING:
        close_group(group, now=now)
    elif price_minor is None:
        _fail(group, now)
    else:
        _succeed(group, price_minor=price_minor, now=now)
    return True


@transaction.atomic
def complete_group(*, group_id: int, actor: Any, reason: str, now: datetime) -> Group:
    """Let an open group succeed by decision of the shop (G12).

    Its members pay the price of the step they reached, or of the first one. They see
    that the shop completed the group; nobody is invented.

    Raises:
        GroupNotOpen: it is not open.
    """
    group = lock_group(group_id=group_id)
    count_paid_orders(group, now=now)
    if group.state != Group.State.OPEN:
        raise GroupNotOpen
    reached = price_reached(group.rungs, group.paid)
    price_minor = first_price(group.rungs) if reached is None else reached
    group.completed_by_shop = True
    _succeed(group, price_minor=price_minor, now=now)
    record_audit(
        actor=actor,
        action="groups.complete",
        obj=group,
        reason=reason,
        detail={"paid": group.paid, "size": group.size},
        now=now,
    )
    return group


def close_group(group: Group, *, now: datetime) -> None:
    """Close a group nobody who paid is left in; who has not paid is let go (G8)."""
    _end(group, Group.State.CLOSED, now)
    _release(group, [Seat.State.HELD], Seat.State.LOST, now)


def _succeed(group: Group, *, price_minor: int, now: datetime) -> None:
    group.price_minor, group.awaits_reward = price_minor, bool(group.reward)
    _end(group, Group.State.SUCCEEDED, now)
    _release(group, [Seat.State.HELD], Seat.State.LOST, now)
    paid = list(group.seats.filter(state=Seat.State.PAID).order_by("pk"))
    stop_waiting(order_ids=[seat.order_id for seat in paid], now=now)
    record_all(
        SeatOverpaid(seat_id=seat.pk) for seat in paid if seat.price_minor > price_minor
    )


def _fail(group: Group, now: datetime) -> None:
    _end(group, Group.State.FAILED, now)
    _release(group, [Seat.State.PAID], Seat.State.REFUNDED, now)
    _release(group, [Seat.State.HELD], Seat.State.LOST, now)


def _end(group: Group, state: str, now: datetime) -> None:
    group.refresh_from_db(fields=["held", "paid"])
    group.state, group.settled_at, group.held = state, now, 0
    group.save(
        update_fields=[
            *("state", "settled_at", "held"),
            *("price_minor", "awaits_reward", "completed_by_shop"),
        ]
    )
    record(GroupSettled(group_id=group.pk))


def _release(group: Group, states: list[str], to_state: str, now: datetime) -> None:
    """End seats and have their orders undone, seat by seat."""
    seats = group.seats.filter(state__in=states).order_by("pk")
    ids = list(seats.values_list("pk", flat=True))
    if not ids:
        return
    Seat.objects.filter(pk__in=ids).update(state=to_state, ended_at=now)
    free_seats_of_deal(group, count=len(ids))
    record_all(SeatReleased(seat_id=pk) for pk in ids)
