"""The last seat, the last seat of a deal, the last payment; each beside a control."""

import pytest
from django.db.models import F

from campaigns.models import Group, GroupDeal, Seat
from campaigns.services import seats, settling_groups
from campaigns.services.seats import (
    GroupFull,
    hold_seat,
    join_group,
    leave_group,
    open_group,
    pay_seat,
)
from campaigns.services.settling_groups import settle_group
from crm.shared.models import Fact
from crm.shared.outbox import drain
from orders.models import Order, Refund, Variant
from orders.services.payment import start_payment
from tests.campaigns.groups import (
    DAY,
    GROUP_MINOR,
    counters_are_right,
    make_deal,
    open_with,
    paid_seat,
    people,
)
from tests.cast import NOON
from tests.faults.callers import all_at_once, at_once, rendezvous, tally, without
from tests.orders.shop import notify

pytestmark = pytest.mark.django_db(transaction=True)
SLOW = pytest.mark.slow
CALLERS = [20, pytest.param(500, marks=SLOW)]
DUE = NOON + DAY


def joining(group: Group, count: int):
    ids = people(count, first=1_000)

    def join(number: int) -> str:
        join_group(group=group.public_id, member_id=ids[number], now=NOON)
        return "joined"

    return join


def open_group_of(size: int, **fields) -> Group:
    deal = make_deal(rungs=((size, GROUP_MINOR),), on_hand=1_000, **fields)
    (leader,) = people(1)
    return paid_seat(deal=deal, member_id=leader).group


# --- G2: the last seat --------------------------------------------------------


@pytest.mark.parametrize("count", CALLERS)
def test_g2_of_many_joiners_of_the_last_seat_one_gets_it(count):
    group = open_group_of(2)
    outcome = all_at_once(count, joining(group, count))
    assert outcome == {"joined": 1, GroupFull.__name__: count - 1}
    group.refresh_from_db()
    assert (group.held, group.paid) == (1, 1)
    assert Seat.objects.count() == Order.objects.count() == 2
    assert Variant.objects.get().reserved == 1
    assert counters_are_right()


def test_control_without_the_condition_a_group_is_overfilled(monkeypatch):
    without("campaigns_group", "group_seats_are_within_size")
    group = open_group_of(2)
    join = joining(group, 4)
    meet = rendezvous(4)

    def read_then_write(*, group_id, now):
        row = Group.objects.get(pk=group_id)
        meet()
        if row.held + row.paid >= row.size:
            raise GroupFull
        Group.objects.filter(pk=group_id).update(held=F("held") + 1)

    monkeypatch.setattr(seats, "hold_seat", read_then_write)
    assert all_at_once(4, join) == {"joined": 4}
    group.refresh_from_db()
    assert group.held + group.paid == 5 > group.size


# --- G14: the last seat of a deal ---------------------------------------------


@pytest.mark.parametrize("count", CALLERS)
def test_g14_three_seats_of_a_deal_are_three_groups(count):
    deal = make_deal(stock=3, on_hand=1_000)
    ids = people(count)

    def lead(number: int) -> str:
        open_group(deal=deal.public_id, member_id=ids[number], now=NOON)
        return "opened"

    outcome = all_at_once(count, lead)
    assert outcome == {"opened": 3, "GroupDealSoldOut": count - 3}
    deal.refresh_from_db()
    assert deal.taken == Group.objects.count() == Order.objects.count() == 3


def test_control_without_the_condition_a_deal_is_oversold(monkeypatch):
    without("campaigns_groupdeal", "group_deal_taken_is_within_stock")
    deal = make_deal(stock=1, on_hand=1_000)
    ids, meet = people(4), rendezvous(4)

    def read_then_write(known, is_on, now):
        row = GroupDeal.objects.get(pk=known.pk)
        meet()
        assert row.taken < row.stock
        GroupDeal.objects.filter(pk=known.pk).update(taken=F("taken") + 1)

    monkeypatch.setattr(seats, "_take_of_deal", read_then_write)

    def lead(number: int) -> str:
        open_group(deal=deal.public_id, member_id=ids[number], now=NOON)
        return "opened"

    assert all_at_once(4, lead) == {"opened": 4}
    deal.refresh_from_db()
    assert deal.taken == 4


# --- G4: one member at once ---------------------------------------------------


@pytest.mark.parametrize("count", CALLERS)
def test_g4_one_member_joins_many_times_at_once_and_sits_once(count):
    group = open_group_of(30)
    (eager,) = people(1, first=500)

    def join(_number: int) -> str:
        join_group(group=group.public_id, member_id=eager, now=NOON)
        return "joined"

    assert all_at_once(count, join) == {"joined": 1, "AlreadySeated": count - 1}
    assert Seat.objects.filter(member_id=eager).count() == 1
    assert counters_are_right()


# --- G5: the last payment -----------------------------------------------------


def held_seats(size: int) -> list[Seat]:
    """Return the held seats of a group whose orders are all paid, news untold."""
    group = open_group_of(size)
    held = [
        join_group(group=group.public_id, member_id=pk, now=NOON)
        for pk in people(size - 1, first=1_000)
    ]
    for seat in held:
        notify(start_payment(order_id=seat.order_id, provider="test", now=NOON))
    return held


def test_g5_the_last_payments_at_once_are_one_success():
    held = held_seats(12)

    def pay_one(number: int) -> bool:
        return pay_seat(order_id=held[number % 11].order_id, now=NOON)

    assert all_at_once(22, pay_one) == {True: 11, False: 11}
    group = Group.objects.get()
    assert (group.state, group.paid, group.held) == ("succeeded", 12, 0)
    assert Fact.objects.filter(name="campaigns.GroupSettled").count() == 1
    assert Fact.objects.filter(name="orders.OrderPaid").count() == 12
    assert not Order.objects.exclude(waits_for="").exists()


def test_control_without_the_lock_the_last_payments_are_no_success(monkeypatch):
    held = held_seats(3)
    meet = rendezvous(2)

    def read_only(*, group_id):
        group = Group.objects.get(pk=group_id)
        meet()
        return group

    monkeypatch.setattr(seats, "lock_group", read_only)
    paid = [seat.order_id for seat in held]
    all_at_once(2, lambda number: pay_seat(order_id=paid[number], now=NOON))
    group = Group.objects.get()
    rows = group.seats.filter(state="paid").count()
    # Each has seen itself alone: the counter lost one, and nobody saw the size.
    assert (rows, group.paid, group.state) == (3, 2, "open")


def test_g5_g6_deadline_and_last_payment_at_once_end_in_one_of_two_ways():
    for _round in range(3):
        Group.objects.filter(state="open").update(state="closed")
        held = held_seats_of_new_deal()
        group_id = held.group_id
        outcome = tally(
            at_once(
                [
                    lambda pk=held.order_id: pay_seat(order_id=pk, now=DUE),
                    lambda pk=group_id: settle_group(group_id=pk, now=DUE),
                ]
            )
        )
        assert not set(outcome) - {True, False}
        group = Group.objects.get(pk=group_id)
        # The order was paid before: whoever comes first counts it.
        assert (group.state, group.paid) == ("succeeded", 2)
        waiting = Order.objects.filter(seat__group=group).exclude(waits_for="")
        assert not waiting.exists()


def held_seats_of_new_deal() -> Seat:
    number = Seat.objects.count() * 10 + 5_000
    deal = make_deal(rungs=((2, GROUP_MINOR),), on_hand=1_000, one_open_group=False)
    leader, other = people(2, first=number)
    group = paid_seat(deal=deal, member_id=leader).group
    seat = join_group(group=group.public_id, member_id=other, now=NOON)
    notify(start_payment(order_id=seat.order_id, provider="test", now=NOON))
    return seat


def test_g8_all_leave_and_join_at_once_and_the_counters_are_the_rows():
    deal = make_deal(rungs=((10, GROUP_MINOR),), on_hand=1_000)
    sitting = open_with(deal, 6)
    group = sitting[0].group
    join = joining(group, 8)

    def come_and_go(number: int) -> str:
        if number < 6:
            leave_group(
                group=group.public_id, member_id=sitting[number].member_id, now=NOON
            )
            return "left"
        return join(number - 6)

    outcome = all_at_once(14, come_and_go)
    assert outcome["left"] == 6
    assert set(outcome) <= {"left", "joined", "GroupFull", "GroupOver"}
    drain(now=NOON)
    assert counters_are_right()
    group.refresh_from_db()
    assert group.state == "closed"
    assert Refund.objects.count() == 6


def test_the_guards_taken_away_above_are_the_ones_in_use():
    assert seats.hold_seat is hold_seat
    assert seats.lock_group is settling_groups.lock_group
