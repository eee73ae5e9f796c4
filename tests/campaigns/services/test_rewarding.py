"""G16: what a leader gets for a group that succeeds, and gives back."""

import pytest

from campaigns.admin.group_deal import words_of
from campaigns.models import Coupon, CouponTemplate, Group
from campaigns.services.rewarding import reward_leader, take_reward_back
from campaigns.services.settling_groups import complete_group
from crm.shared.models import AuditEntry, Delivery
from loyalty.models import PointsEntry
from members.services.merging import merge_members
from orders.models import Order
from orders.services.refunding import refund_order
from tests.campaigns.groups import make_deal, open_with
from tests.campaigns.services.test_giving import give
from tests.campaigns.services.test_group_settling import tell
from tests.cast import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def deal(template):
    CouponTemplate.objects.update(stock=None)
    return make_deal(leader_points=300, leader_coupon=template)


def rewards(group):
    """Return the points and the states of coupons a group brought."""
    source = f"group:{group.public_id}"
    points = PointsEntry.objects.filter(source=source).order_by("pk")
    coupons = Coupon.objects.filter(source=source)
    return (
        [(entry.kind, entry.points) for entry in points],
        [(coupon.member_id, coupon.state) for coupon in coupons],
    )


def give_back(seat):
    refund_order(
        order_id=seat.order_id,
        items={1: 1},
        reason="back",
        actor="dana",
        request_key=f"r{seat.pk}",
        now=NOON,
    )
    tell(NOON)


def test_g16_the_leader_is_rewarded_once_when_the_group_succeeds(deal):
    leader, _other = open_with(deal, 2)
    assert rewards(leader.group) == ([], [])
    complete_group(group_id=leader.group_id, actor="dana", reason="enough", now=NOON)
    tell(NOON)
    expected = ([("grant", 300)], [(leader.member_id, "available")])
    assert rewards(leader.group) == expected
    assert reward_leader(group_id=leader.group_id, now=NOON)
    assert rewards(leader.group) == expected


def test_g16_a_group_that_fails_rewards_nobody(deal):
    leader, _other = open_with(deal, 2)
    tell()
    Group.objects.filter(pk=leader.group_id).update(deadline_at=NOON)
    assert not reward_leader(group_id=leader.group_id, now=NOON)
    assert rewards(leader.group) == ([], [])


def test_g16_it_goes_back_with_the_leaders_order_and_no_other(deal):
    leader, other, _third = open_with(deal, 3)
    tell(NOON)
    give_back(other)
    assert rewards(leader.group)[1] == [(leader.member_id, "available")]
    give_back(leader)
    expected = (
        [("grant", 300), ("claw_back", -300)],
        [(leader.member_id, "revoked")],
    )
    assert rewards(leader.group) == expected
    entry = AuditEntry.objects.get(action="groups.take_reward_back")
    assert entry.detail == {"coupons": 1, "points": -300}
    assert not take_reward_back(order_id=leader.order_id, now=NOON)
    assert rewards(leader.group) == expected


def test_g16_it_goes_back_from_whom_the_leader_gave_it_to(deal, mallory):
    CouponTemplate.objects.update(is_transferable=True)
    leader, *_others = open_with(deal, 3)
    tell(NOON)
    give(Coupon.objects.get(), leader.member, mallory)
    assert rewards(leader.group)[1] == [(mallory.pk, "available")]
    give_back(leader)
    assert rewards(leader.group)[1] == [(mallory.pk, "revoked")]


def test_g16_a_used_coupon_stays(deal):
    leader, *_others = open_with(deal, 3)
    tell(NOON)
    Coupon.objects.update(state="used", order=leader.order)
    Order.objects.filter(pk=leader.order_id).update(state="refunded")
    assert take_reward_back(order_id=leader.order_id, now=NOON)
    assert rewards(leader.group)[1] == [(leader.member_id, "used")]


def test_g16_a_deal_may_let_leaders_keep_it(template):
    CouponTemplate.objects.update(stock=None)
    deal = make_deal(leader_points=300, leader_keeps=True)
    leader, *_others = open_with(deal, 3)
    tell(NOON)
    give_back(leader)
    assert rewards(leader.group) == ([("grant", 300)], [])


def test_g16_news_of_the_refund_may_come_first(deal):
    leader, _other = open_with(deal, 2)
    complete_group(group_id=leader.group_id, actor="dana", reason="enough", now=NOON)
    Order.objects.filter(pk=leader.order_id).update(state="refunded")
    assert not take_reward_back(order_id=leader.order_id, now=NOON)
    assert not reward_leader(group_id=leader.group_id, now=NOON)
    assert rewards(leader.group) == ([], [])


def test_g10_a_group_keeps_what_was_promised_the_day_it_opened(deal):
    leader, *_others = open_with(deal, 2)
    type(deal).objects.update(leader_points=5, leader_coupon=None)
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


def test_the_deal_says_so_in_words(deal):
    assert words_of(deal).endswith(
        "Who leads a group to success gets 300 points. Who leads a group to success "
        "gets the coupon “Twenty off”. It is taken back when the leader's own order "
        "is given back."
    )
