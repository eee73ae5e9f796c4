"""G1 to G4, G8 to G10, G13 and G14: taking, paying, losing and leaving seats."""

from datetime import timedelta

import pytest

from campaigns.models import Group, GroupDeal, Seat
from campaigns.services.seats import (
    AlreadySeated,
    GroupDealOver,
    GroupDealSoldOut,
    GroupFull,
    GroupGone,
    GroupOver,
    SeatForNewMembers,
    join_group,
    leave_group,
    open_group,
    pay_seat,
)
from crm.shared.outbox import drain
from orders.models import Cart, Order, Refund, Variant
from orders.services.cancelling import cancel_order, release_unpaid
from orders.services.carts import ItemUnavailable
from orders.services.stocking import OutOfStock
from tests.campaigns.groups import (
    DAY,
    GROUP_MINOR,
    counters_are_right,
    make_deal,
    open_with,
    paid_seat,
    people,
)
from tests.cast import NOON, make_variant
from tests.orders.shop import fill_cart, pay, place

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(minutes=31)


def opened(deal: GroupDeal, member, *, now=NOON) -> Seat:
    return open_group(deal=deal.public_id, member_id=member.pk, now=now)


def joined(group: Group, member, *, now=NOON) -> Seat:
    return join_group(group=group.public_id, member_id=member.pk, now=now)


# --- G1, G10, G14: a seat is a hold with an order -----------------------------


def test_g1_an_opened_group_is_seen_when_its_leader_has_paid(alice, bob):
    deal = make_deal()
    seat = opened(deal, alice)
    group = seat.group
    assert (group.state, group.held, group.paid) == ("opening", 1, 0)
    assert (seat.state, seat.is_leader) == ("held", True)
    with pytest.raises(GroupGone):
        joined(group, bob)
    at = NOON + timedelta(minutes=5)
    pay(seat.order, now=at)
    drain(now=at)
    group.refresh_from_db()
    assert (group.state, group.held, group.paid) == ("open", 0, 1)
    assert (group.opened_at, group.deadline_at) == (at, at + DAY)


def test_g10_the_price_is_fixed_when_the_group_is_opened(alice, bob):
    deal = make_deal()
    leader = paid_seat(deal=deal, member_id=alice.pk)
    deal.rungs.update(price_minor=9_500)
    Variant.objects.update(price_minor=12_000)
    seat = joined(leader.group, bob)
    line = seat.order.lines.get()
    assert (line.unit_price_minor, line.net_minor) == (GROUP_MINOR, GROUP_MINOR)
    assert (line.price_kind, line.list_price_minor) == ("group", 12_000)
    assert seat.price_minor == GROUP_MINOR
    assert opened(make_deal(one_open_group=False), bob).price_minor == GROUP_MINOR


def test_s2_no_offer_on_goods_lowers_the_price_of_a_seat(alice, promotion):
    promotion.rungs = [[1_000, 500]]
    promotion.save()
    order = opened(make_deal(), alice).order
    assert (order.goods_minor, order.discount_minor) == (GROUP_MINOR, 0)
    promotion.refresh_from_db()
    assert promotion.used == 0


def test_g14_deal_and_shop_lose_a_seat_together(alice, bob):
    deal = make_deal(stock=1, on_hand=5)
    opened(deal, alice)
    deal.refresh_from_db()
    assert (deal.taken, Variant.objects.get().reserved) == (1, 1)
    with pytest.raises(GroupDealSoldOut):
        opened(deal, bob)
    assert (Order.objects.count(), Group.objects.count()) == (1, 1)


@pytest.mark.parametrize("why", ["stock", "inactive"])
def test_g14_what_the_shop_cannot_sell_takes_no_seat(alice, why):
    deal = make_deal(stock=5, on_hand=0 if why == "stock" else 5)
    Variant.objects.update(is_active=why == "stock")
    with pytest.raises(OutOfStock if why == "stock" else ItemUnavailable):
        opened(deal, alice)
    deal.refresh_from_db()
    assert deal.taken == 0
    assert not (Group.objects.exists() or Seat.objects.exists())
    assert not (Cart.objects.exists() or Order.objects.exists())


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "draft"},
        {"state": "paused"},
        {"state": "ended"},
        {"starts_at": NOON + timedelta(seconds=1)},
        {"starts_at": NOON - DAY, "ends_at": NOON},
        {"rungs": ()},
    ],
)
def test_a_deal_that_is_not_on_opens_no_group(alice, fields):
    with pytest.raises(GroupDealOver):
        opened(make_deal(**fields), alice)
    assert not Order.objects.exists()


# --- G2, G4: who may join -----------------------------------------------------


def test_g2_held_seats_count(alice, bob, mallory):
    deal = make_deal(rungs=((2, GROUP_MINOR),))
    leader = paid_seat(deal=deal, member_id=alice.pk)
    joined(leader.group, bob)
    with pytest.raises(GroupFull):
        joined(leader.group, mallory)
    assert counters_are_right()


def test_g4_one_seat_in_a_group_and_one_open_group_of_a_deal(alice, bob):
    deal = make_deal()
    leader = paid_seat(deal=deal, member_id=alice.pk)
    other = paid_seat(deal=deal, member_id=bob.pk)
    for group in (leader.group, other.group):
        with pytest.raises(AlreadySeated):
            joined(group, alice)
    with pytest.raises(AlreadySeated):
        opened(deal, alice)
    GroupDeal.objects.update(one_open_group=False)
    with pytest.raises(AlreadySeated):
        joined(leader.group, alice)
    assert joined(other.group, alice).state == "held"


def test_g3_nobody_joins_after_the_deadline_or_the_end_of_the_deal(alice, bob, mallory):
    deal = make_deal(ends_at=NOON + timedelta(hours=5))
    leader = paid_seat(deal=deal, member_id=alice.pk)
    assert leader.group.deadline_at == NOON + timedelta(hours=5)
    with pytest.raises(GroupOver):
        joined(leader.group, bob, now=NOON + timedelta(hours=5))
    Group.objects.update(deadline_at=NOON + DAY)
    with pytest.raises(GroupDealOver):
        joined(leader.group, bob, now=NOON + timedelta(hours=5))
    GroupDeal.objects.update(groups_may_finish=True)
    for state in ("paused", "draft"):
        GroupDeal.objects.update(state=state)
        with pytest.raises(GroupDealOver):
            joined(leader.group, bob, now=NOON + timedelta(hours=5))
    GroupDeal.objects.update(state="ended")
    assert joined(leader.group, bob, now=NOON + timedelta(hours=5)).pk
    with pytest.raises(GroupDealOver):
        opened(deal, mallory)


def test_the_time_to_pay_ends_with_the_group(alice, bob):
    deal = make_deal()
    leader = paid_seat(deal=deal, member_id=alice.pk)
    late = leader.group.deadline_at - timedelta(minutes=10)
    seat = joined(leader.group, bob, now=late)
    assert seat.order.payment_due_at == leader.group.deadline_at


def test_g13_new_members_are_those_who_never_paid(alice, bob):
    make_variant("MUG", 1_000)
    pay(place(fill_cart({"MUG": 1}, member=bob)))
    place(fill_cart({"MUG": 1}, member=alice))
    deal = make_deal(new_members="joiners")
    leader = paid_seat(deal=deal, member_id=bob.pk)
    assert joined(leader.group, alice).state == "held"
    (newcomer, *_rest) = people(1)
    other = paid_seat(deal=deal, member_id=newcomer)
    GroupDeal.objects.update(one_open_group=False)
    with pytest.raises(SeatForNewMembers):
        joined(other.group, bob)
    with pytest.raises(SeatForNewMembers):
        opened(make_deal(new_members="everybody"), bob)


# --- Lost and left ------------------------------------------------------------


def test_a_hold_that_is_not_paid_in_time_is_free_again(alice, bob, mallory):
    deal = make_deal(rungs=((2, GROUP_MINOR),), stock=2)
    leader = paid_seat(deal=deal, member_id=alice.pk)
    seat = joined(leader.group, bob)
    release_unpaid(now=LATER)
    drain(now=LATER)
    seat.refresh_from_db()
    assert (seat.state, seat.ended_at) == ("lost", LATER)
    assert counters_are_right()
    assert joined(leader.group, mallory, now=LATER).state == "held"


def test_g1_a_group_whose_leader_never_pays_is_closed(alice):
    seat = opened(make_deal(), alice)
    cancel_order(order_id=seat.order_id, actor="member", reason="", now=NOON)
    drain(now=NOON)
    group = Group.objects.get()
    assert (group.state, group.held, group.settled_at) == ("closed", 0, NOON)
    assert counters_are_right()


def test_g8_whoever_paid_first_leads_when_the_leader_leaves(alice):
    deal = make_deal(rungs=((5, GROUP_MINOR),))
    seats = open_with(deal, 3)
    Seat.objects.filter(pk=seats[1].pk).update(paid_at=NOON + timedelta(hours=2))
    Seat.objects.filter(pk=seats[2].pk).update(paid_at=NOON + timedelta(hours=1))
    group = seats[0].group
    deadline = group.deadline_at
    leave_group(group=group.public_id, member_id=seats[0].member_id, now=NOON)
    drain(now=NOON)
    group.refresh_from_db()
    assert (group.state, group.paid, group.deadline_at) == ("open", 2, deadline)
    assert group.seats.get(is_leader=True) == seats[2]
    refund = Refund.objects.get()
    order = seats[0].order
    order.refresh_from_db()
    assert refund.amount_minor == order.total_minor == order.refunded_minor
    assert refund.freight_minor == order.freight_minor
    assert counters_are_right()


def test_g8_whoever_paid_first_leads_although_the_news_are_late(alice, bob, mallory):
    leader = paid_seat(deal=make_deal(rungs=((4, GROUP_MINOR),)), member_id=alice.pk)
    first_seat, first_payer = (joined(leader.group, each) for each in (bob, mallory))
    pay(first_payer.order, now=NOON + timedelta(minutes=1))
    pay(first_seat.order, now=NOON + timedelta(minutes=5))
    left_at = NOON + timedelta(minutes=6)
    leave_group(group=leader.group.public_id, member_id=alice.pk, now=left_at)
    seats = leader.group.seats
    assert seats.get(is_leader=True) == first_payer
    paid_at = seats.filter(state="paid").order_by("paid_at").values_list("paid_at")
    assert [at - NOON for (at,) in paid_at] == [
        timedelta(minutes=1),
        timedelta(minutes=5),
    ]
    drain(now=left_at)
    assert seats.get(is_leader=True) == first_payer


def test_g8_a_group_nobody_is_left_in_closes_and_lets_the_others_go(alice, bob):
    leader = paid_seat(deal=make_deal(), member_id=alice.pk)
    seat = joined(leader.group, bob)
    leave_group(group=leader.group.public_id, member_id=alice.pk, now=NOON)
    drain(now=NOON)
    seat.refresh_from_db()
    assert (Group.objects.get().state, seat.state) == ("closed", "lost")
    assert Order.objects.get(pk=seat.order_id).state == "cancelled"
    assert counters_are_right()


def test_g8_leaving_before_paying_cancels_the_order(alice, bob):
    leader = paid_seat(deal=make_deal(), member_id=alice.pk)
    seat = joined(leader.group, bob)
    leave_group(group=leader.group.public_id, member_id=bob.pk, now=NOON)
    drain(now=NOON)
    assert Order.objects.get(pk=seat.order_id).state == "cancelled"
    assert Group.objects.get().state == "open"
    assert joined(leader.group, bob).state == "held"
    assert counters_are_right()


def test_g9_nobody_leaves_a_successful_group(alice):
    seats = open_with(make_deal(), 3)
    with pytest.raises(GroupOver):
        leave_group(
            group=seats[0].group.public_id, member_id=seats[1].member_id, now=NOON
        )
    assert not Refund.objects.exists()


def test_who_has_no_seat_cannot_leave(alice, mallory):
    leader = paid_seat(deal=make_deal(), member_id=alice.pk)
    with pytest.raises(GroupGone):
        leave_group(group=leader.group.public_id, member_id=mallory.pk, now=NOON)


def test_the_news_of_a_payment_twice_are_one_seat(alice):
    seat = paid_seat(deal=make_deal(), member_id=alice.pk)
    assert pay_seat(order_id=seat.order_id, now=NOON) is False
    assert Group.objects.get().paid == 1
