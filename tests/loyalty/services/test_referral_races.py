"""Real threads on one referral, and on the last places under a cap."""

import pytest

from crm.shared.models import Fact
from loyalty.models import PointsEntry, Referral, ReferralTally
from loyalty.services import rewarding_referrals
from loyalty.services.referring import open_referral, review_of_order, review_referral
from tests.cast import NOON, make_member
from tests.faults.callers import at_once
from tests.loyalty.books import assert_sound, paid_order, refund
from tests.loyalty.friends import DAY, befriended, brought, buys, points_of, promise

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 20


@pytest.fixture
def inviter():
    return make_member(1, name="Alice")


def no_errors(answers):
    wrong = [each for each in answers if isinstance(each, Exception)]
    assert not wrong, wrong


def test_one_conversion_by_twenty_threads_rewards_once(inviter):
    promise()
    referral = brought(inviter, 7)
    order = paid_order(referral.friend, 10_000)

    no_errors(at_once([lambda: review_of_order(order_id=order.pk, now=NOON)] * THREADS))

    assert (points_of(inviter), points_of(referral.friend)) == (100, 100)
    assert PointsEntry.objects.count() == 2
    assert Fact.objects.filter(name="loyalty.ReferralRewarded").count() == 1
    assert_sound()


def test_one_friend_opened_by_twenty_threads_is_one_referral(inviter):
    promise(conversion="joining")
    friend = befriended(inviter, 7)

    no_errors(at_once([lambda: open_referral(friend_id=friend.pk, now=NOON)] * THREADS))

    assert Referral.objects.get().state == "rewarded"
    assert points_of(inviter) == 100


def friends_with_orders(inviter):
    found = [brought(inviter, serial) for serial in range(100, 100 + THREADS)]
    for referral in found:
        paid_order(referral.friend, 10_000)
    return [
        lambda pk=referral.pk: review_referral(referral_id=pk, now=NOON)
        for referral in found
    ]


def test_x5_of_twenty_friends_at_once_the_cap_lets_five_count(inviter):
    promise(cap_friends=5, milestone_every=5, milestone_points=7, velocity_friends=0)

    no_errors(at_once(friends_with_orders(inviter)))

    assert points_of(inviter) == 5 * 100 + 7
    assert ReferralTally.objects.get().friends == 5
    counted = Referral.objects.filter(state="rewarded").exclude(counted_in="")
    assert counted.count() == 5
    assert Referral.objects.filter(reasons=["cap_reached"]).count() == THREADS - 5
    assert PointsEntry.objects.filter(source__endswith=":friend").count() == THREADS
    assert_sound()


def test_x5_control_without_the_conditional_write_the_cap_is_passed(
    inviter, monkeypatch
):
    promise(cap_friends=5, velocity_friends=0)
    monkeypatch.setattr(rewarding_referrals, "take_place", lambda **_asked: True)

    no_errors(at_once(friends_with_orders(inviter)))

    assert points_of(inviter) == THREADS * 100


def test_a_refund_and_the_reward_at_once_leave_nothing(inviter):
    promise()
    referral = brought(inviter, 7)
    order = buys(referral)
    refund(order, 10_000, is_last=True)

    no_errors(
        at_once([lambda: review_of_order(order_id=order.pk, now=NOON + DAY)] * THREADS)
    )

    assert (points_of(inviter), points_of(referral.friend)) == (0, 0)
    assert PointsEntry.objects.filter(kind="claw_back").count() == 2
    assert_sound()


def test_two_who_bring_one_another_do_not_lock_one_another_out(inviter):
    promise(conversion="joining", velocity_friends=0)
    other = make_member(2)
    mine = [befriended(inviter, serial) for serial in range(100, 110)]
    theirs = [befriended(other, serial) for serial in range(200, 210)]
    calls = [
        lambda pk=friend.pk: open_referral(friend_id=pk, now=NOON)
        for pair in zip(mine, theirs, strict=True)
        for friend in pair
    ]

    no_errors(at_once(calls))

    assert (points_of(inviter), points_of(other)) == (1_000, 1_000)
    assert_sound()
