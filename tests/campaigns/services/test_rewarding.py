"""G16: what a leader gets for a group that succeeds, when, and what is left of it."""

from datetime import timedelta

import pytest

from campaigns.admin.group_deal import words_of
from campaigns.models import Coupon, CouponTemplate, Group
from campaigns.services import rewarding
from campaigns.services.rewarding import (
    reward_due_leaders,
    reward_leader,
    take_reward_back,
)
from campaigns.services.settling_groups import complete_group
from crm.shared.models import AuditEntry, Delivery
from loyalty.models import PointsEntry
from members.services.merging import merge_members
from orders.models import Order
from orders.queries.returns import return_deadline
from orders.services.exchanging import Swap, exchange_units
from orders.services.refunding import refund_order
from tests.campaigns.groups import LADDER, make_deal, open_with, paid_seat, people
from tests.campaigns.services.test_giving import give
from tests.campaigns.services.test_group_settling import tell
from tests.cast import NOON, make_variant

pytestmark = pytest.mark.django_db
#: The time for returns of what arrives at noon is over.
OVER = return_deadline(NOON)
SECOND = timedelta(seconds=1)


@pytest.fixture
def endless(template):
    CouponTemplate.objects.update(stock=None)
    return template


@pytest.fixture
def deal(endless):
    """A deal that rewards at once, with points and a coupon."""
    return make_deal(leader_points=300, leader_coupon=endless, leader_waits=False)


def led(count=3, **fields):
    """Return the seats of a group of so many that succeeded."""
    seats = open_with(make_deal(leader_points=300, **fields), count)
    tell(NOON)
    return seats


def rewards(group):
    """Return the points and the states of coupons a group brought."""
    points = PointsEntry.objects.filter(
        source__startswith=f"group:{group.public_id}"
    ).order_by("pk")
    coupons = Coupon.objects.filter(source=f"group:{group.public_id}")
    return (
        [(entry.kind, entry.points) for entry in points],
        [(coupon.member_id, coupon.state) for coupon in coupons],
    )


def points(seats) -> list[int]:
    return [given for _kind, given in rewards(seats[0].group)[0]]


def give_back(seat, *, order=None, now=NOON):
    order_id = order.pk if order else seat.order_id
    refund_order(
        order_id=order_id,
        items={1: 1},
        reason="back",
        actor="dana",
        request_key=f"r{order_id}",
        now=now,
    )
    tell(now)


def arrive(*seats, at=NOON):
    orders = Order.objects.filter(pk__in=[seat.order_id for seat in seats])
    orders.update(state="completed", delivered_at=at, closed_at=at)


def exchange(seat) -> Order:
    """Replace the goods of a seat by a mug that costs the same."""
    mug = make_variant("MUG", 8_000, on_hand=5)
    order = exchange_units(
        order_id=seat.order_id,
        swaps=[Swap(1, 1, mug.pk)],
        reason="other",
        actor="dana",
        request_key="swap",
        now=NOON,
    )
    tell(NOON)
    return order


# --- After the time for returns -----------------------------------------------


def test_g16_a_leader_is_rewarded_when_nobody_can_send_goods_back(endless):
    seats = led(leader_coupon=endless)
    leader, *_others, last = seats
    reward_due_leaders(now=OVER)
    assert rewards(leader.group) == ([], [])
    arrive(*seats)
    arrive(last, at=NOON + timedelta(days=1))
    reward_due_leaders(now=OVER)
    assert not reward_leader(group_id=leader.group_id, now=OVER)
    assert rewards(leader.group) == ([], [])
    late = return_deadline(NOON + timedelta(days=1))
    reward_due_leaders(now=late - SECOND)
    assert rewards(leader.group) == ([], [])
    assert reward_due_leaders(now=late) == leader.group_id
    expected = ([("grant", 300)], [(leader.member_id, "available")])
    assert rewards(leader.group) == expected
    assert reward_due_leaders(now=late) == 0
    assert not reward_leader(group_id=leader.group_id, now=late)
    assert rewards(leader.group) == expected


@pytest.mark.parametrize(
    ("shares", "back", "given"),
    [
        (False, 0, [300]),
        (False, 1, []),
        (True, 1, [200]),
        (True, 2, [100]),
    ],
)
def test_g16_seats_that_were_given_back_count_no_longer(shares, back, given):
    seats = led(leader_shares=shares)
    for seat in seats[1 : 1 + back]:
        give_back(seat)
    arrive(seats[0], *seats[1 + back :])
    reward_due_leaders(now=OVER)
    assert points(seats) == given
    assert reward_due_leaders(now=OVER) == 0, "it is decided, whatever was given"


def test_g16_beyond_the_first_step_seats_may_go_back(endless):
    seats = led(5, rungs=LADDER, leader_coupon=endless)
    for seat in seats[1:3]:
        give_back(seat)
    arrive(seats[0], *seats[3:])
    reward_due_leaders(now=OVER)
    assert rewards(seats[0].group)[1] == [(seats[0].member_id, "available")]
    assert points(seats) == [300]


def test_g16_a_group_completed_by_the_shop_must_keep_the_seats_it_had():
    seats = led(2)
    complete_group(group_id=seats[0].group_id, actor="dana", reason="so", now=NOON)
    tell(NOON)
    arrive(*seats)
    reward_due_leaders(now=OVER)
    assert points(seats) == [300]


def test_g16_r13_other_goods_instead_are_a_seat_that_stays():
    seats = led()
    new = exchange(seats[1])
    seats[1].refresh_from_db()
    assert seats[1].state == "paid"
    arrive(seats[0], seats[2])
    reward_due_leaders(now=OVER)
    assert points(seats) == []
    Order.objects.filter(pk=new.pk).update(state="delivered", delivered_at=NOON)
    reward_due_leaders(now=OVER)
    assert points(seats) == [300]
    give_back(seats[1], order=new, now=OVER)
    assert points(seats) == [300, -300]
    seats[1].refresh_from_db()
    assert seats[1].state == "refunded"


def test_g16_a_leader_who_gives_the_goods_back_gets_nothing():
    seats = led(leader_shares=True)
    give_back(seats[0])
    arrive(*seats[1:])
    reward_due_leaders(now=OVER)
    assert points(seats) == []


def test_g16_unless_the_deal_lets_leaders_keep_it():
    seats = led(leader_keeps=True)
    give_back(seats[0])
    arrive(*seats[1:])
    reward_due_leaders(now=OVER)
    assert points(seats) == [300]


def test_g16_what_is_given_back_by_grace_afterwards_counts_as_well():
    seats = led(leader_shares=True)
    arrive(*seats)
    reward_due_leaders(now=OVER)
    give_back(seats[1], now=OVER)
    assert points(seats) == [300, -100]


def test_g16_one_that_cannot_be_rewarded_stops_no_other(monkeypatch):
    first = led()
    second = [
        paid_seat(deal=make_deal(leader_points=300), member_id=people(1, first=200)[0])
    ]
    complete_group(group_id=second[0].group_id, actor="d", reason="so", now=NOON)
    tell(NOON)
    arrive(*first, *second)
    reward = rewarding.reward_leader

    def broken(*, group_id, now):
        if group_id == first[0].group_id:
            raise RuntimeError("no")
        return reward(group_id=group_id, now=now)

    monkeypatch.setattr(rewarding, "reward_leader", broken)
    reward_due_leaders(now=OVER)
    assert (points(first), points(second)) == ([], [300])
    monkeypatch.undo()
    assert reward_due_leaders(now=OVER, limit=1) == first[0].group_id
    assert points(first) == [300]


# --- At once ------------------------------------------------------------------


def test_g16_at_once_is_when_the_group_succeeds_and_only_once(deal):
    leader, _other = open_with(deal, 2)
    assert rewards(leader.group) == ([], [])
    complete_group(group_id=leader.group_id, actor="dana", reason="enough", now=NOON)
    tell(NOON)
    expected = ([("grant", 300)], [(leader.member_id, "available")])
    assert rewards(leader.group) == expected
    assert not reward_leader(group_id=leader.group_id, now=NOON)
    assert rewards(leader.group) == expected


def test_g16_a_group_that_fails_rewards_nobody(deal):
    leader, _other = open_with(deal, 2)
    tell()
    Group.objects.filter(pk=leader.group_id).update(deadline_at=NOON)
    assert not reward_leader(group_id=leader.group_id, now=NOON)
    assert rewards(leader.group) == ([], [])


@pytest.mark.parametrize("who", [0, 1])
def test_g16_it_goes_back_with_too_many_seats_or_with_the_leaders_own(deal, who):
    seats = open_with(deal, 3)
    leader = seats[0]
    tell(NOON)
    give_back(seats[who])
    expected = (
        [("grant", 300), ("claw_back", -300)],
        [(leader.member_id, "revoked")],
    )
    assert rewards(leader.group) == expected
    entry = AuditEntry.objects.get(action="groups.take_reward_back")
    assert entry.detail == {"coupons": 1, "points": -300}
    assert not take_reward_back(order_id=leader.order_id, now=NOON)
    give_back(seats[1 - who])
    assert rewards(leader.group) == expected


def test_g16_it_goes_back_from_whom_the_leader_gave_it_to(deal, mallory):
    CouponTemplate.objects.update(is_transferable=True)
    leader, *_others = open_with(deal, 3)
    tell(NOON)
    give(Coupon.objects.get(), leader.member, mallory)
    assert rewards(leader.group)[1] == [(mallory.pk, "available")]
    give_back(leader)
    assert rewards(leader.group)[1] == [(mallory.pk, "revoked")]


def test_g16_points_are_reduced_seat_by_seat(endless):
    seats = led(leader_waits=False, leader_shares=True, leader_coupon=endless)
    give_back(seats[1])
    assert points(seats) == [300, -100]
    assert rewards(seats[0].group)[1] == [(seats[0].member_id, "revoked")]
    assert not take_reward_back(order_id=seats[1].order_id, now=NOON)
    give_back(seats[2])
    assert points(seats) == [300, -100, -100]
    give_back(seats[0])
    assert points(seats) == [300, -100, -100, -100]


def test_g16_an_exchange_takes_nothing_back():
    seats = led(leader_waits=False)
    new = exchange(seats[0])
    assert points(seats) == [300]
    give_back(seats[0], order=new)
    assert points(seats) == [300, -300]


def test_g16_a_used_coupon_stays(deal):
    leader, *_others = open_with(deal, 3)
    tell(NOON)
    Coupon.objects.update(state="used", order=leader.order)
    Order.objects.filter(pk=leader.order_id).update(state="refunded")
    assert take_reward_back(order_id=leader.order_id, now=NOON)
    assert rewards(leader.group)[1] == [(leader.member_id, "used")]


def test_g16_a_deal_may_let_leaders_keep_it():
    seats = led(leader_waits=False, leader_keeps=True)
    give_back(seats[0])
    assert points(seats) == [300]
    give_back(seats[1])
    assert points(seats) == [300, -300]


def test_g16_news_of_the_refund_may_come_first(deal):
    leader, _other = open_with(deal, 2)
    complete_group(group_id=leader.group_id, actor="dana", reason="enough", now=NOON)
    Order.objects.filter(pk=leader.order_id).update(state="refunded")
    assert not take_reward_back(order_id=leader.order_id, now=NOON)
    assert not reward_leader(group_id=leader.group_id, now=NOON)
    assert rewards(leader.group) == ([], [])


def test_g10_a_group_keeps_what_was_promised_the_day_it_opened(deal):
    leader, *_others = open_with(deal, 2)
    type(deal).objects.update(leader_points=5, leader_coupon=None, leader_waits=True)
    complete_group(group_id=leader.group_id, actor="dana", reason="enough", now=NOON)
    tell(NOON)
    assert rewards(leader.group)[0] == [("grant", 300)]


def test_a_coupon_that_is_all_gone_waits_for_more(deal):
    CouponTemplate.objects.update(stock=1, issued=1)
    leader, *_others = open_with(deal, 3)
    tell(NOON)
    assert rewards(leader.group) == ([], [])
    stuck = Delivery.objects.filter(done_at=None, subscriber__contains="reward")
    assert stuck.count() == 1
    CouponTemplate.objects.update(stock=2)
    assert reward_leader(group_id=leader.group_id, now=NOON)
    assert rewards(leader.group)[0] == [("grant", 300)]


def test_the_reward_goes_to_whom_the_leader_became(deal, alice):
    leader, *_others = open_with(deal, 2)
    merge_members(
        winner_id=alice.pk,
        loser_id=leader.member_id,
        reason="same",
        actor="dana",
        now=NOON,
    )
    complete_group(group_id=leader.group_id, actor="dana", reason="enough", now=NOON)
    tell(NOON)
    assert rewards(leader.group)[1] == [(alice.pk, "available")]


# --- Words --------------------------------------------------------------------


def test_the_deal_says_so_in_words(deal):
    assert words_of(deal).endswith(
        "Who leads a group to success gets 300 points. Who leads a group to success "
        "gets the coupon “Twenty off”. It comes at once. It is gone when fewer seats "
        "stay than the first step wants. It is taken back when the leader's own order "
        "is given back."
    )


def test_a_deal_that_waits_and_shares_says_so_in_words():
    deal = make_deal(leader_points=300, leader_shares=True, leader_keeps=True)
    assert words_of(deal).endswith(
        "Who leads a group to success gets 300 points. It comes when nobody of the "
        "group can send goods back any more. When fewer seats stay than the first "
        "step wants, there are so many points less and no coupon."
    )
