"""Stories of rewards that cost points and money: held together, paid, given back."""

from datetime import timedelta

import pytest

from crm.shared.models import Fact
from crm.shared.outbox import drain
from loyalty.models import PointsHold, Reward, RewardRedemption
from loyalty.queries.rewards import shown_rewards
from loyalty.services.buying_rewards import give_paid_reward
from loyalty.services.ending_redemptions import (
    RefundItsOrder,
    TooLateToGiveBack,
    cancel_redemption,
    end_redemption,
)
from loyalty.services.freezing import freeze_account
from loyalty.services.posting import NotEnoughPoints, PointsFrozen
from loyalty.services.redeeming_rewards import (
    AddressNeeded,
    RewardLimitReached,
    RewardPriceChanged,
)
from loyalty.services.reward_kinds import RewardGone, RewardIncomplete
from loyalty.services.verification import verify_ledger
from orders.models import Order, Wallet
from orders.services.cancelling import cancel_order, release_unpaid
from orders.services.carts import ItemUnavailable
from orders.services.quoting import quote_lines
from orders.services.refund_preview import quote_refund
from orders.services.refunding import refund_order
from orders.services.returning import send_due_refunds
from orders.services.verifying_stock import verify_stock
from orders.services.wallet_verification import verify_wallets
from orders.services.wallets import NotEnoughInWallet, top_up_wallet
from tests.cast import NOON, make_variant
from tests.loyalty.books import account_of, assert_sound, ledger, lots
from tests.loyalty.catalogue import (
    give,
    make_address,
    make_reward,
    put_in_tier,
    redeem,
)
from tests.orders.shop import line, pay

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def cup(alice) -> Reward:
    """Return a cup of 50.00 for 300 points and 19.90, three of them."""
    give(alice, 1_000)
    make_address(alice)
    variant = make_variant("CUP", 5_000, on_hand=5)
    return make_reward(
        300, kind="goods", variant=variant, price_minor=1_990, stock=3, due_days=2
    )


def state(redemption: RewardRedemption) -> str:
    redemption.refresh_from_db()
    return redemption.state


def taken(reward: Reward) -> int:
    reward.refresh_from_db()
    return reward.taken


def assert_all_sound():
    drain(now=LATER)
    assert_sound()
    assert verify_ledger().findings == ()
    assert verify_stock().findings == ()
    assert verify_wallets().findings == ()


def assert_nothing_happened(alice, reward):
    assert taken(reward) == 0
    assert not RewardRedemption.objects.exists()
    assert not Order.objects.exists()
    assert account_of(alice).available == 1_000
    reward.variant.refresh_from_db()
    assert reward.variant.reserved == 0


# --- Taking and paying --------------------------------------------------------


def test_points_are_held_and_the_money_is_an_order_with_a_deadline(alice, cup):
    redemption = redeem(alice, cup)

    order = redemption.order
    assert (redemption.state, redemption.points, redemption.price_minor) == (
        "unpaid",
        300,
        1_990,
    )
    assert (order.state, order.total_minor, order.points_spent) == (
        "pending",
        1_990,
        300,
    )
    assert order.payment_due_at > NOON
    only = order.lines.get()
    assert (only.price_kind, only.gross_minor, only.net_minor) == (
        "reward",
        5_000,
        1_990,
    )
    share = only.allocations.get()
    assert (share.source_kind, share.source_id, share.points) == (
        "points",
        redemption.public_id,
        300,
    )
    assert account_of(alice).available == 700
    assert PointsHold.objects.get().source == f"order:{order.public_id}"
    assert taken(cup) == 1
    cup.variant.refresh_from_db()
    assert (cup.variant.on_hand, cup.variant.reserved) == (5, 1)
    assert not Fact.objects.filter(name="loyalty.RewardRedeemed").exists()
    assert_all_sound()


def test_p13_paid_both_are_captured_and_the_money_earns(alice, cup):
    redemption = redeem(alice, cup)

    pay(redemption.order)
    drain(now=LATER)

    assert state(redemption) == "fulfilled"
    assert redemption.result == f"order:{redemption.order.public_id}"
    kinds = [(kind, points) for kind, points, _left in ledger(alice)]
    assert kinds == [("grant", 1_000), ("spend", -300), ("earn", 19)]
    assert Fact.objects.filter(name="loyalty.RewardRedeemed").count() == 1
    assert not give_paid_reward(order_id=redemption.order_id, now=LATER)
    assert_all_sound()


def test_stored_value_pays_at_once_or_nothing_is_written(alice, cup, dana):
    with pytest.raises(NotEnoughInWallet):
        redeem(alice, cup, from_wallet=True)
    assert_nothing_happened(alice, cup)
    top_up_wallet(
        member_id=alice.pk,
        amount_minor=2_000,
        reason="gift",
        actor=dana,
        source="test:1",
        now=NOON,
    )

    redemption = redeem(alice, cup, from_wallet=True)

    assert redemption.state == "fulfilled"
    assert redemption.order.payments.get().provider == "wallet"
    assert_all_sound()
    assert Wallet.objects.get(pk=alice.pk).balance_minor == 10
    assert account_of(alice).balance == 700 + 19


def test_x1_asked_again_it_is_the_same_redemption_and_order(alice, cup):
    first = redeem(alice, cup, source="api:1")
    again = redeem(alice, cup, source="api:1")
    assert (first.pk, first.order_id) == (again.pk, again.order_id)
    assert Order.objects.count() == taken(cup) == 1


def test_the_price_is_points_and_money_of_one_row(alice, cup):
    cup.prices.create(position=1, audience="tier:gold", points=200)
    shown = shown_rewards(member_id=alice.pk, at=NOON)[0]
    assert (shown.points, shown.price_minor) == (300, 1_990)
    for expected in ({"expected_minor": 0}, {"expected_points": 200}):
        with pytest.raises(RewardPriceChanged) as refusal:
            redeem(alice, cup, **expected)
        assert refusal.value.params["points"] == 300
    put_in_tier(alice, "gold")
    redemption = redeem(alice, cup, expected_points=200, expected_minor=0)
    assert (redemption.state, redemption.order) == ("requested", None)


@pytest.mark.parametrize(
    ("spoil", "refusal"),
    [
        ({"variant": {"price_minor": 1_990}}, RewardIncomplete),
        ({"variant": {"on_hand": 0}}, RewardGone),
        ({"variant": {"is_active": False}}, ItemUnavailable),
        ({"reward": {"stock": 0}}, RewardGone),
        ({"reward": {"points": 1_001}}, NotEnoughPoints),
    ],
)
def test_what_is_refused_is_refused_whole(alice, cup, spoil, refusal):
    for name, fields in spoil.items():
        row = cup if name == "reward" else cup.variant
        type(row).objects.filter(pk=row.pk).update(**fields)
    with pytest.raises(refusal):
        redeem(alice, cup)
    assert_nothing_happened(alice, cup)


def test_p14_frozen_points_hold_nothing_and_no_address_is_nowhere(alice, cup):
    freeze_account(member_id=alice.pk, reason="x", actor="test", now=NOON)
    with pytest.raises(PointsFrozen):
        redeem(alice, cup)
    alice.addresses.all().delete()
    with pytest.raises(AddressNeeded):
        redeem(alice, cup)


def test_points_to_spend_and_other_carts_never_meet_the_reward(alice, cup):
    redeem(alice, cup)
    quote = quote_lines(
        lines=[line(1, 5_000)], now=NOON, member_id=alice.pk, points_to_spend=100
    )
    (points,) = quote.applied
    assert (points.source_id, points.points) == ("points", 100)


# --- Nobody pays --------------------------------------------------------------


def assert_free_again(alice, cup, redemption):
    drain(now=LATER)
    assert state(redemption) == "cancelled"
    assert redemption.order.state == "cancelled"
    assert taken(cup) == 0
    assert account_of(alice).available == 1_000
    assert lots(alice) == [(1_000, 1_000)]
    cup.variant.refresh_from_db()
    assert cup.variant.reserved == 0
    assert_all_sound()


def test_past_the_deadline_both_are_free_again(alice, cup):
    redemption = redeem(alice, cup)
    due = redemption.order.payment_due_at
    assert release_unpaid(now=due - timedelta(seconds=1)) == 0
    assert release_unpaid(now=due) == 1
    assert_free_again(alice, cup, redemption)


def test_the_member_lets_go_of_it_by_the_reward_or_by_the_order(alice, cup):
    first = redeem(alice, cup)
    ended = cancel_redemption(redemption=first.public_id, member_id=alice.pk, now=NOON)
    assert ended.state == "cancelled"
    assert_free_again(alice, cup, first)
    second = redeem(alice, cup)
    cancel_order(order_id=second.order_id, actor="member", reason="", now=NOON)
    assert_free_again(alice, cup, second)


def test_a_limit_counts_what_is_not_paid_yet(alice, cup):
    Reward.objects.update(member_limit=1)
    redeem(alice, cup)
    with pytest.raises(RewardLimitReached):
        redeem(alice, cup)


# --- Giving back --------------------------------------------------------------


def test_p20_r4_a_refund_gives_points_and_money_back_as_it_was_quoted(alice, cup):
    redemption = redeem(alice, cup)
    order = redemption.order
    pay(order)
    drain(now=LATER)
    quote = quote_refund(order_id=order.pk, items={1: 1}, now=LATER)
    assert (quote.amount_minor, quote.points) == (1_990, 300)

    refund_order(
        order_id=order.pk,
        items={1: 1},
        reason="not wanted",
        actor="dana",
        request_key="one",
        now=LATER,
    )
    send_due_refunds(now=LATER)
    drain(now=LATER)

    assert state(redemption) == "refunded"
    assert taken(cup) == 0
    assert account_of(alice).balance == 1_000
    assert_all_sound()


def test_what_is_paid_goes_back_with_its_order_and_not_beside_it(alice, cup, dana):
    redemption = redeem(alice, cup)
    pay(redemption.order)
    drain(now=LATER)
    with pytest.raises(TooLateToGiveBack):
        cancel_redemption(
            redemption=redemption.public_id, member_id=alice.pk, now=LATER
        )
    with pytest.raises(RefundItsOrder):
        end_redemption(
            redemption=redemption.public_id, actor=dana, reason="asked", now=LATER
        )
    assert account_of(alice).balance == 719


def test_x2_news_of_the_end_before_the_payment_leave_it_ended(alice, cup):
    redemption = redeem(alice, cup)
    cancel_order(order_id=redemption.order_id, actor="member", reason="", now=NOON)
    drain(now=LATER)
    assert not give_paid_reward(order_id=redemption.order_id, now=LATER)
    assert state(redemption) == "cancelled"
