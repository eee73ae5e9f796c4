"""Seats of groups: taken, paid, lost and left.

A seat is a hold till its order is paid (G1, G2). Whoever changes a group under way
locks its row first, then the seats, the deal, and stock and orders last. What undoes
an order is left to the news (``campaigns.services.giving_back``).
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from campaigns.events import SeatReleased
from campaigns.models import Group, GroupDeal, Seat
from campaigns.rules.groups import deadline_of, first_price, is_for_new
from campaigns.services.first_orders import claim_first_order
from campaigns.services.recognising import marks_of_order
from campaigns.services.settling_groups import (
    close_group,
    count_paid_orders,
    free_seats_of_deal,
    lock_group,
    succeed_when_full,
)
from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.outbox import record
from members.models import Member
from orders.models import Order
from orders.services.agreed_orders import Agreement, place_agreed_order
from orders.services.writing_orders import OrderTerms

#: What orders of seats wait for, and the kind of their price.
GROUP = "group"


class GroupDealOver(Refusal):
    """This group deal is not on."""

    code = "group_deal_not_on"
    message = _("This group deal is not on.")


class GroupGone(Refusal):
    """There is no such group."""

    code = "not_found"
    status = 404
    message = _("There is no such group.")


class GroupOver(Refusal):
    """This group is over."""

    code = "group_over"
    message = _("This group is over.")


class GroupFull(Refusal):
    """Every seat of this group is taken."""

    code = "group_full"
    message = _("Every seat of this group is taken.")


class GroupDealSoldOut(Refusal):
    """Every seat of this deal is taken."""

    code = "group_deal_sold_out"
    message = _("Every seat of this deal is taken.")


class AlreadySeated(Refusal):
    """You sit in this group, or in another one of this deal, already."""

    code = "already_in_group"
    message = _("You sit in this group, or in another one of this deal, already.")


class SeatForNewMembers(Refusal):
    """This seat is for members who buy here for the first time."""

    code = "group_new_members_only"
    message = _("This seat is for members who buy here for the first time.")


@transaction.atomic
def open_group(
    *, deal: str, member_id: int, address: str | None = None, now: datetime
) -> Seat:
    """Open a group and hold its leader's seat; nobody sees it before that is paid (G1).

    Args:
        deal: public id.
        address: public id of the member's address where the goods go.

    Returns:
        The seat; its ``order`` is to be paid.

    Raises:
        GroupDealOver, GroupDealSoldOut, AlreadySeated, SeatForNewMembers: as they say.
        Refusal: the order could not be placed.
    """
    found = _deal(GroupDeal.objects.filter(public_id=deal))
    rungs = [[rung.size, rung.price_minor] for rung in found.rungs.all()]
    if not rungs:
        raise GroupDealOver
    _lock_member(member_id)
    _refuse_seated(found, member_id, None)
    _take_of_deal(found, _is_live(now), now)
    group = Group.objects.create(
        deal=found,
        variant_id=found.variant_id,
        hours=found.hours,
        new_members=found.new_members,
        rungs=rungs,
        reward=found.leader_reward,
        size=rungs[-1][0],
        held=1,
        created_at=now,
        deadline_at=deadline_of(
            now,
            hours=found.hours,
            ends_at=found.ends_at,
            may_finish=found.groups_may_finish,
        ),
    )
    return _seat(group, member_id, address, is_leader=True, now=now)


@transaction.atomic
def join_group(
    *, group: str, member_id: int, address: str | None = None, now: datetime
) -> Seat:
    """Hold a seat in an open group: a conditional write (G2).

    Args:
        group: public id.
        address: see ``open_group``.

    Returns:
        The seat; its ``order`` is to be paid.

    Raises:
        GroupGone, GroupOver, GroupFull, GroupDealOver, GroupDealSoldOut, AlreadySeated,
            SeatForNewMembers: as they say.
        Refusal: the order could not be placed.
    """
    wanted = Group.objects.filter(public_id=group).exclude(state=Group.State.OPENING)
    found = wanted.select_related("deal").first()
    if found is None:
        raise GroupGone
    _lock_member(member_id)
    _refuse_seated(found.deal, member_id, found.pk)
    hold_seat(group_id=found.pk, now=now)
    # A deal that is over takes nobody else, unless its groups may finish (G3).
    may_finish = Q(
        state__in=[GroupDeal.State.LIVE, GroupDeal.State.ENDED], groups_may_finish=True
    )
    _take_of_deal(found.deal, _is_live(now) | may_finish, now)
    return _seat(found, member_id, address, is_leader=False, now=now)


def hold_seat(*, group_id: int, now: datetime) -> None:
    """Count one more held seat of an open group, in one statement.

    Raises:
        GroupFull, GroupOver: as they say.
    """
    held = Group.objects.filter(
        pk=group_id,
        state=Group.State.OPEN,
        deadline_at__gt=now,
        size__gt=F("held") + F("paid"),
    ).update(held=F("held") + 1)
    if held:
        return
    is_open = Group.objects.filter(
        pk=group_id, state=Group.State.OPEN, deadline_at__gt=now
    )
    raise GroupFull if is_open.exists() else GroupOver


def _deal(deals: Any) -> GroupDeal:
    found = deals.prefetch_related("rungs").first()
    if found is None:
        raise GroupDealOver
    return found


def _lock_member(member_id: int) -> None:
    """One member takes one seat after the other (G4)."""
    Member.objects.select_for_update(no_key=True).only("pk").get(pk=member_id)


def _refuse_seated(deal: GroupDeal, member_id: int, group_id: int | None) -> None:
    mine = Seat.objects.filter(member_id=member_id, state__in=Seat.LIVE)
    here = Q(group_id=group_id)
    if deal.one_open_group:
        here |= Q(group__deal=deal, group__state__in=Group.UNDER_WAY)
    if mine.filter(here).exists():
        raise AlreadySeated


def _is_live(now: datetime) -> Q:
    """Return the condition that a deal opens groups now, once it has started."""
    is_open_ended = Q(ends_at__isnull=True) | Q(ends_at__gt=now)
    return Q(is_open_ended, state=GroupDeal.State.LIVE)


def _take_of_deal(deal: GroupDeal, is_on: Q, now: datetime) -> None:
    """Count one more seat of a deal, in one statement (G14)."""
    on = GroupDeal.objects.filter(is_on, pk=deal.pk, starts_at__lte=now)
    free = on.filter(Q(stock__isnull=True) | Q(taken__lt=F("stock")))
    if not free.update(taken=F("taken") + 1):
        raise GroupDealSoldOut if on.exists() else GroupDealOver


def _seat(
    group: Group,
    member_id: int,
    address: str | None,
    *,
    is_leader: bool,
    now: datetime,
) -> Seat:
    """Order at the price of the first step and write the seat (G10)."""
    price_minor = first_price(group.rungs)
    order = place_agreed_order(
        member_id=member_id,
        agreement=Agreement(group.variant_id, price_minor, GROUP),
        address=address,
        terms=OrderTerms(waits_for=GROUP, pay_by=group.deadline_at),
        now=now,
    )
    if is_for_new(group.new_members, is_leader=is_leader):
        _refuse_known(order)
    return Seat.objects.create(
        group=group,
        member_id=member_id,
        order=order,
        is_leader=is_leader,
        price_minor=price_minor,
        taken_at=now,
    )


def _refuse_known(order: Order) -> None:
    """Refuse a seat whose order is not its member's first, paid or not (G13, C12)."""
    marks = marks_of_order(order_id=order.pk)
    member_id = order.member_id
    if not claim_first_order(order_id=order.pk, member_id=member_id, marks=marks):
        raise SeatForNewMembers


# --- Paid, lost, left ---------------------------------------------------------


@transaction.atomic
def pay_seat(*, order_id: int, now: datetime) -> bool:
    """Turn the hold of a paid order into a paid seat (G1, G5); again is harmless.

    The leader's payment opens the group; the last one lets it succeed, with all its
    orders. A seat that was given up meanwhile stays so: its money goes back (G7).

    Returns:
        Whether this call did it.
    """
    seat = Seat.objects.filter(order_id=order_id).first()
    if seat is None:
        return False
    group = lock_group(group_id=seat.group_id)
    counted = count_paid_orders(group, only=[order_id], now=now)
    if counted:
        succeed_when_full(group, now=now)
    return bool(counted)


@transaction.atomic
def lose_seat(*, order_id: int, now: datetime) -> bool:
    """Free the seat of an order that was cancelled; again is harmless.

    A group whose leader never paid is closed.

    Returns:
        Whether this call did it.
    """
    seat = Seat.objects.filter(order_id=order_id).first()
    if seat is None:
        return False
    group = lock_group(group_id=seat.group_id)
    lost = Seat.objects.filter(pk=seat.pk, state=Seat.State.HELD).update(
        state=Seat.State.LOST, ended_at=now
    )
    if not lost:
        return False
    Group.objects.filter(pk=group.pk).update(held=F("held") - 1)
    free_seats_of_deal(group, count=1)
    if group.state == Group.State.OPENING:
        close_group(group, now=now)
    return True


@transaction.atomic
def leave_group(
    *, group: str, member_id: int, actor: Any = None, reason: str = "", now: datetime
) -> Seat:
    """Give up a seat before the group succeeds; its order is undone by the news (G8).

    When the leader leaves, whoever paid first leads, with the same deadline; when
    nobody who paid is left, the group closes.

    Args:
        group: public id.
        actor: the staff login that takes the member out; None for the member.

    Raises:
        GroupGone: the member has no seat there.
        GroupOver: it succeeded, failed or was closed (G9).
    """
    seat = Seat.objects.filter(
        group__public_id=group, member_id=member_id, state__in=Seat.LIVE
    ).first()
    if seat is None:
        raise GroupGone
    locked = lock_group(group_id=seat.group_id)
    # Whoever has paid counts, also where the news are still under way.
    count_paid_orders(locked, now=now)
    succeed_when_full(locked, now=now)
    if locked.state not in Group.UNDER_WAY:
        raise GroupOver
    seat.refresh_from_db()
    if seat.state not in Seat.LIVE:
        raise GroupGone
    _give_up(locked, seat, now)
    if actor is not None:
        record_audit(
            actor=actor, action="groups.take_out", obj=seat, reason=reason, now=now
        )
    return seat


def _give_up(group: Group, seat: Seat, now: datetime) -> None:
    counter = "paid" if seat.state == Seat.State.PAID else "held"
    was_leader = seat.is_leader
    seat.state, seat.ended_at, seat.is_leader = Seat.State.LEFT, now, False
    seat.save(update_fields=["state", "ended_at", "is_leader"])
    Group.objects.filter(pk=group.pk).update(**{counter: F(counter) - 1})
    free_seats_of_deal(group, count=1)
    record(SeatReleased(seat_id=seat.pk))
    paid = group.seats.filter(state=Seat.State.PAID).order_by("paid_at", "pk")
    heir = paid.first()
    if heir is None:
        close_group(group, now=now)
    elif was_leader:
        Seat.objects.filter(pk=heir.pk).update(is_leader=True)
