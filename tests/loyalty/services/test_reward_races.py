"""Real threads after the same pieces, points and uses; each race beside its control."""

import pytest
from django.db.models import F

from crm.shared.errors import Refusal
from crm.shared.outbox import drain
from loyalty.models import (
    BenefitTally,
    BenefitUse,
    Reward,
    RewardRedemption,
)
from loyalty.services import redeeming_rewards, using_benefits
from loyalty.services.ending_redemptions import cancel_redemption
from loyalty.services.using_benefits import use_benefit
from orders.models import Order
from orders.services.cancelling import OrderNotCancellable
from orders.services.payment import start_payment
from orders.services.verifying_stock import verify_stock
from tests.cast import NOON, make_member, make_variant
from tests.faults.callers import at_once, rendezvous, tally, without
from tests.loyalty.books import account_of, assert_sound
from tests.loyalty.catalogue import (
    give,
    make_address,
    make_benefit,
    make_reward,
    redeem,
)
from tests.orders.shop import notify

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 8


def crowd(count: int, points: int):
    members = [make_member(serial) for serial in range(100, 100 + count)]
    for member in members:
        give(member, points)
    return members


def codes(answers) -> set[str]:
    return {each.code for each in answers if isinstance(each, Refusal)}


def test_x5_of_50_members_after_5_pieces_5_get_one():
    members = crowd(50, 500)
    reward = make_reward(500, stock=5)

    answers = at_once([lambda who=who: redeem(who, reward) for who in members])

    got = [each for each in answers if isinstance(each, RewardRedemption)]
    reward.refresh_from_db()
    assert (len(got), reward.taken, RewardRedemption.objects.count()) == (5, 5, 5)
    assert codes(answers) == {"reward_gone"}
    paid = [who for who in members if account_of(who).balance == 0]
    assert {who.pk for who in paid} == {each.member_id for each in got}
    assert_sound()


def test_x5_control_a_stock_that_is_read_first_is_given_away_twice(monkeypatch):
    members = crowd(4, 500)
    reward = make_reward(500, stock=1)
    without("loyalty_reward", "reward_taken_is_within_stock")
    meet = rendezvous(4)

    def read_then_write(*, reward_id):
        found = Reward.objects.get(pk=reward_id)
        meet()
        if found.taken < found.stock:
            Reward.objects.filter(pk=reward_id).update(taken=F("taken") + 1)

    monkeypatch.setattr(redeeming_rewards, "take_piece", read_then_write)

    at_once([lambda who=who: redeem(who, reward) for who in members])

    reward.refresh_from_db()
    assert reward.taken > 1


def test_p30_who_spends_the_whole_balance_many_times_gets_one_reward(alice):
    give(alice, 500)
    reward = make_reward(500)

    answers = at_once([lambda: redeem(alice, reward)] * THREADS)

    assert sum(isinstance(each, RewardRedemption) for each in answers) == 1
    assert codes(answers) == {"insufficient_points"}
    assert account_of(alice).balance == 0
    assert_sound()


def test_x1_one_request_sent_many_times_at_once_is_one_redemption(alice):
    give(alice, 5_000)
    reward = make_reward(500, stock=10)

    answers = at_once([lambda: redeem(alice, reward, source="api:1")] * THREADS)

    reward.refresh_from_db()
    assert len({each.pk for each in answers}) == 1
    assert (reward.taken, account_of(alice).balance) == (1, 4_500)


def test_x5_a_limit_per_member_holds_at_once(alice):
    give(alice, 5_000)
    reward = make_reward(500, member_limit=2)

    answers = at_once([lambda: redeem(alice, reward)] * THREADS)

    assert sum(isinstance(each, RewardRedemption) for each in answers) == 2
    assert codes(answers) == {"reward_member_limit"}


def test_x5_the_last_piece_on_the_shelf_is_given_once():
    members = crowd(THREADS, 500)
    for member in members:
        make_address(member)
    variant = make_variant("MUG", 3_000, on_hand=2)
    reward = make_reward(500, kind="goods", variant=variant, stock=5)

    answers = at_once([lambda who=who: redeem(who, reward) for who in members])

    variant.refresh_from_db()
    reward.refresh_from_db()
    assert (variant.on_hand, reward.taken) == (0, 2)
    assert tally(answers)["RewardGone"] == THREADS - 2
    assert verify_stock().findings == ()
    assert_sound()


def test_x5_the_last_piece_for_points_and_money_is_ordered_once():
    """Of many who order it at once one holds points, piece and stock; others nothing."""
    members = crowd(THREADS, 500)
    for member in members:
        make_address(member)
    variant = make_variant("MUG", 3_000, on_hand=5)
    reward = make_reward(500, kind="goods", variant=variant, stock=1, price_minor=1_000)

    answers = at_once([lambda who=who: redeem(who, reward) for who in members])

    (got,) = [each for each in answers if isinstance(each, RewardRedemption)]
    variant.refresh_from_db()
    reward.refresh_from_db()
    assert (variant.reserved, reward.taken, Order.objects.count()) == (1, 1, 1)
    assert codes(answers) == {"reward_gone"}
    holds = [who.pk for who in members if account_of(who).available == 0]
    assert holds == [got.member_id]
    assert_sound()


def test_x5_the_last_piece_on_the_shelf_is_ordered_once():
    members = crowd(THREADS, 500)
    for member in members:
        make_address(member)
    variant = make_variant("MUG", 3_000, on_hand=2)
    reward = make_reward(500, kind="goods", variant=variant, stock=5, price_minor=1_000)

    answers = at_once([lambda who=who: redeem(who, reward) for who in members])

    reward.refresh_from_db()
    assert (reward.taken, Order.objects.count()) == (2, 2)
    assert tally(answers)["RewardGone"] == THREADS - 2
    assert verify_stock().findings == ()
    assert_sound()


def test_paid_and_let_go_of_at_once_it_is_one_of_both(alice):
    """Points and money stay together whoever comes first; nobody waits for ever."""
    give(alice, 500)
    make_address(alice)
    variant = make_variant("MUG", 3_000, on_hand=2)
    reward = make_reward(500, kind="goods", variant=variant, stock=5, price_minor=1_000)
    redemption = redeem(alice, reward)
    payment = start_payment(order_id=redemption.order_id, provider="test", now=NOON)

    paid, gone = at_once(
        [
            lambda: notify(payment),
            lambda: cancel_redemption(
                redemption=redemption.public_id, member_id=alice.pk, now=NOON
            ),
        ]
    )
    drain(now=NOON)

    redemption.refresh_from_db()
    reward.refresh_from_db()
    redemption.order.refresh_from_db()
    was_paid = redemption.state == "fulfilled"
    assert redemption.order.state == ("paid" if was_paid else "cancelled")
    assert redemption.state in ("fulfilled", "cancelled")
    assert reward.taken == int(was_paid)
    assert account_of(alice).available == (10 if was_paid else 500)
    assert not isinstance(paid, Exception)
    assert isinstance(gone, OrderNotCancellable) == was_paid
    assert_sound()


def test_p20_given_back_many_times_at_once_the_points_come_back_once(alice):
    give(alice, 500)
    reward = make_reward(500, stock=1, refundable_days=7)
    redemption = redeem(alice, reward)

    answers = at_once(
        [
            lambda: cancel_redemption(
                redemption=redemption.public_id, member_id=alice.pk, now=NOON
            )
        ]
        * THREADS
    )

    reward.refresh_from_db()
    assert {each.state for each in answers} == {"refunded"}
    assert (reward.taken, account_of(alice).balance) == (0, 500)
    assert_sound()


def uses(member):
    return [
        lambda number=number: use_benefit(
            benefit="freight", member_id=member.pk, source=f"order:{number}", now=NOON
        )
        for number in range(THREADS)
    ]


def test_x5_k_of_n_uses_of_a_benefit_succeed(alice):
    make_benefit("freight", {"quota": 3})

    answers = at_once(uses(alice))

    assert sum(isinstance(each, BenefitUse) for each in answers) == 3
    assert codes(answers) == {"benefit_used_up"}
    assert BenefitTally.objects.get().used == BenefitUse.objects.count() == 3


def test_x5_control_without_lock_and_condition_a_quota_is_overdrawn(alice, monkeypatch):
    make_benefit("freight", {"quota": 3})
    meet = rendezvous(THREADS)
    monkeypatch.setattr(using_benefits, "lock_tally", lambda **key: None)

    def read_then_write(held, member_id):
        meet()
        if (held.left or 0) <= 0:
            raise using_benefits.BenefitUsedUp(until="")

    monkeypatch.setattr(using_benefits, "_count", read_then_write)

    answers = at_once(uses(alice))

    assert sum(isinstance(each, BenefitUse) for each in answers) > 3
