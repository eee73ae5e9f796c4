"""G13: who is new, under whatever name, and has one seat as a first order at a time."""

from datetime import timedelta

import pytest

from campaigns.models import Coupon, CouponTemplate, GroupDeal, Seat
from campaigns.services.counting import UseLimitReached
from campaigns.services.recognising import note_buyer
from campaigns.services.seats import (
    SeatForNewMembers,
    join_group,
    leave_group,
    open_group,
)
from campaigns.services.settling_groups import settle_due_groups
from crm.shared.outbox import drain
from members.services.merging import merge_members
from orders.models import OrderAddress
from orders.services.cancelling import cancel_order
from orders.services.refunding import refund_order
from tests.campaigns.groups import DAY, make_deal, open_with, paid_seat, people
from tests.campaigns.services.test_group_settling import tell
from tests.campaigns.services.test_limits import coupons, hold, order_of
from tests.cast import NOON, make_member

pytestmark = pytest.mark.django_db


def for_new(**fields) -> GroupDeal:
    return make_deal(new_members="everybody", **fields)


def opened(deal, member, *, now=NOON) -> Seat:
    return open_group(deal=deal.public_id, member_id=member.pk, now=now)


def test_g13_who_paid_as_a_guest_under_their_phone_is_not_new():
    guest = order_of(None, state="paid")
    OrderAddress.objects.create(
        order=guest, recipient="w", phone="13800000077", country="CN", street="1"
    )
    note_buyer(order_id=guest.pk)
    member = make_member(70, phone="+8613800000077")
    with pytest.raises(SeatForNewMembers):
        opened(for_new(), member)


def test_g13_r19_whose_group_failed_is_still_new(alice):
    deal = for_new()
    paid_seat(deal=deal, member_id=alice.pk)
    due = NOON + DAY
    settle_due_groups(now=due)
    tell(due)
    assert opened(deal, alice, now=due).state == "held"


def test_g13_r19_whose_order_was_given_back_is_new_again():
    deal = for_new()
    leader, *_others = open_with(deal, 3)
    with pytest.raises(SeatForNewMembers):
        opened(deal, leader.member)
    refund_order(
        order_id=leader.order_id,
        items={1: 1},
        reason="back",
        actor="dana",
        request_key="r",
        now=NOON,
    )
    tell(NOON)
    assert opened(deal, leader.member).state == "held"


@pytest.mark.parametrize("way", ["open", "join"])
def test_g13_nobody_holds_two_first_orders_at_once(alice, way):
    """As with coupons for a first order (C12): two unpaid seats are not both first."""
    deal = for_new(one_open_group=False)
    leader = paid_seat(deal=deal, member_id=people(1)[0])
    opened(for_new(), alice)
    with pytest.raises(SeatForNewMembers):
        if way == "open":
            opened(deal, alice)
        else:
            join_group(group=leader.group.public_id, member_id=alice.pk, now=NOON)
    assert Seat.objects.filter(member=alice).count() == 1


def test_g13_a_seat_and_a_coupon_are_not_both_the_first_order(alice, template):
    CouponTemplate.objects.update(stock=None, for_first_order=True)
    (coupon,) = coupons(template, alice, 1)
    seat = opened(for_new(), alice)
    with pytest.raises(UseLimitReached):
        hold(coupon)
    cancel_order(order_id=seat.order_id, actor="member", reason="", now=NOON)
    drain(now=NOON)
    hold(coupon)
    with pytest.raises(SeatForNewMembers):
        opened(for_new(), alice)
    assert Coupon.objects.get().state == "held"


@pytest.mark.parametrize("way", ["lost", "left", "closed", "failed"])
def test_g13_a_seat_that_ends_gives_the_first_order_back(alice, bob, way):
    deal = for_new()
    leader = paid_seat(deal=deal, member_id=alice.pk)
    seat = join_group(group=leader.group.public_id, member_id=bob.pk, now=NOON)
    if way == "lost":
        cancel_order(order_id=seat.order_id, actor="member", reason="", now=NOON)
        drain(now=NOON)
    elif way == "failed":
        settle_due_groups(now=NOON + DAY)
    else:
        member = bob if way == "left" else alice
        leave_group(group=leader.group.public_id, member_id=member.pk, now=NOON)
    drain(now=NOON + timedelta(minutes=1))
    assert opened(for_new(), bob).state == "held"


def test_g13_a_merge_takes_the_first_order_along(alice, bob):
    seat = opened(for_new(), bob)
    merge_members(
        winner_id=alice.pk, loser_id=bob.pk, reason="same", actor="dana", now=NOON
    )
    with pytest.raises(SeatForNewMembers):
        opened(for_new(), alice)
    cancel_order(order_id=seat.order_id, actor="member", reason="", now=NOON)
    assert opened(for_new(), alice).state == "held"
