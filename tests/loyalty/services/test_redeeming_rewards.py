"""Stories of rewards: taken for points, sent, given back."""

from datetime import timedelta

import pytest

from campaigns.models import Coupon, CouponTemplate, Segment, SegmentMember
from crm.shared.models import AuditEntry, Fact
from loyalty.models import PointsEntry, PointsLot, RewardRedemption
from loyalty.queries.rewards import donations_by_month, shown_rewards
from loyalty.services.ending_redemptions import (
    TooLateToGiveBack,
    cancel_redemption,
    end_redemption,
)
from loyalty.services.freezing import freeze_account
from loyalty.services.fulfilling_rewards import deliver_redemptions, ship_redemptions
from loyalty.services.locking_redemptions import RedemptionUnknown
from loyalty.services.posting import NotEnoughPoints, PointsFrozen
from loyalty.services.redeeming_rewards import (
    AddressNeeded,
    MemberMayNotRedeem,
    RewardLimitReached,
    RewardNotOnOffer,
    RewardPriceChanged,
)
from loyalty.services.reward_kinds import RewardGone, RewardIncomplete, RewardUsed
from orders.models import StockMove, Variant, Wallet
from orders.services.verifying_stock import verify_stock
from orders.services.wallet_verification import verify_wallets
from orders.services.wallets import top_up_wallet
from tests.cast import NOON, make_variant, put_in_state
from tests.loyalty.books import account_of, assert_sound, ledger, lots, paid_order
from tests.loyalty.catalogue import (
    give,
    make_address,
    make_reward,
    put_in_tier,
    redeem,
)

pytestmark = pytest.mark.django_db
TOMORROW = NOON + timedelta(days=1)


def make_template(**fields) -> CouponTemplate:
    told = {"name": "Ten off", "kind": "amount", "amount_minor": 1_000}
    return CouponTemplate.objects.create(state="live", starts_at=NOON, **told | fields)


def cancel(member, redemption, now=NOON):
    return cancel_redemption(
        redemption=redemption.public_id, member_id=member.pk, now=now
    )


# --- Taking -------------------------------------------------------------------


def test_p12_points_are_taken_from_the_first_to_end_and_the_fact_is_told(alice):
    give(alice, 300)
    give(alice, 400)
    PointsLot.objects.filter(granted=400).update(expires_at=NOON + timedelta(days=1))

    redemption = redeem(alice, make_reward(500))

    assert lots(alice) == [(300, 200), (400, 0)]
    assert redemption.state == "fulfilled"
    assert PointsEntry.objects.get(kind="spend").source == (
        f"reward:{redemption.public_id}"
    )
    assert Fact.objects.filter(name="loyalty.RewardRedeemed").count() == 1
    assert_sound()


def test_p12_too_few_points_take_nothing_at_all(alice):
    give(alice, 499)
    reward = make_reward(500, stock=1)

    with pytest.raises(NotEnoughPoints):
        redeem(alice, reward)

    reward.refresh_from_db()
    assert (reward.taken, account_of(alice).balance) == (0, 499)
    assert not RewardRedemption.objects.exists()


def test_x1_asked_again_it_is_the_same_redemption(alice):
    give(alice, 1_000)
    reward = make_reward(500)

    first = redeem(alice, reward, source="api:1")
    again = redeem(alice, reward, source="api:1")

    assert first.pk == again.pk
    assert account_of(alice).balance == 500


def test_p14_frozen_points_and_members_who_may_not_spend_are_refused(alice):
    give(alice, 500)
    reward = make_reward(500)
    freeze_account(member_id=alice.pk, reason="x", actor="test", now=NOON)
    with pytest.raises(PointsFrozen):
        redeem(alice, reward)
    put_in_state(alice, "frozen")
    with pytest.raises(MemberMayNotRedeem):
        redeem(alice, reward)


def test_a_reward_is_on_offer_in_its_window_and_to_whom_it_is_meant_for(alice):
    give(alice, 5_000)
    gold = {"field": "loyalty.tier", "is": "in", "value": ["gold"]}
    hidden = [
        make_reward(starts_at=TOMORROW),
        make_reward(ends_at=NOON + timedelta(seconds=1)),
        make_reward(is_active=False),
        make_reward(condition=gold),
    ]
    for reward in hidden:
        with pytest.raises(RewardNotOnOffer):
            redeem(alice, reward, now=NOON + timedelta(seconds=2))
    put_in_tier(alice, "gold")
    assert redeem(alice, hidden[-1]).points == 500


def test_prices_go_by_tier_and_the_first_row_wins(alice, bob):
    reward = make_reward(1_000)
    many = {"field": "loyalty.orders", "is": "gte", "value": 3}
    reward.prices.create(position=1, audience="tier:gold", points=800)
    reward.prices.create(position=2, condition=many, points=900)
    put_in_tier(alice, "gold")

    seen = {
        member: shown_rewards(member_id=member.pk, at=NOON)[0].points
        for member in (alice, bob)
    }

    assert seen == {alice: 800, bob: 1_000}
    give(alice, 800)
    with pytest.raises(RewardPriceChanged) as refusal:
        redeem(alice, reward, expected_points=1_000)
    assert refusal.value.params == {"points": 800}
    assert redeem(alice, reward, expected_points=800).points == 800


def test_a_price_may_be_for_a_segment(alice, bob):
    segment = Segment.objects.create(code="tea", name="Tea")
    SegmentMember.objects.create(segment=segment, member=alice, since=NOON)
    make_reward(1_000).prices.create(position=1, audience="segment:tea", points=700)
    prices = [
        shown_rewards(member_id=who.pk, at=NOON)[0].points for who in (alice, bob)
    ]
    assert prices == [700, 1_000]


def test_the_catalogue_costs_the_same_for_one_reward_and_for_many(
    alice, django_assert_max_num_queries
):
    for points in (100, 200, 300):
        make_reward(points).prices.create(position=1, points=points - 1)
    with django_assert_max_num_queries(5):
        assert len(shown_rewards(member_id=alice.pk, at=NOON)) == 3


def test_a_limit_per_member_counts_what_was_not_given_back(alice, bob):
    give(alice, 5_000)
    give(bob, 500)
    reward = make_reward(500, member_limit=1, refundable_days=7)
    first = redeem(alice, reward)
    with pytest.raises(RewardLimitReached):
        redeem(alice, reward)
    redeem(bob, reward)
    cancel(alice, first)
    redeem(alice, reward)


def test_x5_stock_ends_and_a_piece_given_back_is_there_again(alice):
    give(alice, 5_000)
    reward = make_reward(500, stock=1, refundable_days=7)
    first = redeem(alice, reward)
    with pytest.raises(RewardGone):
        redeem(alice, reward)
    assert account_of(alice).balance == 4_500
    cancel(alice, first)
    redeem(alice, reward)
    reward.refresh_from_db()
    assert (reward.taken, reward.left) == (1, 0)


# --- The kinds ----------------------------------------------------------------


def test_goods_leave_the_shelf_and_come_back(alice):
    give(alice, 1_000)
    variant = make_variant("MUG", 3_000, on_hand=1)
    reward = make_reward(500, kind="goods", variant=variant, refundable_days=7)
    with pytest.raises(AddressNeeded):
        redeem(alice, reward)
    home = make_address(alice)

    redemption = redeem(alice, reward)

    variant.refresh_from_db()
    assert (variant.on_hand, redemption.state) == (0, "requested")
    assert redemption.address == home
    assert redemption.due_at > NOON + timedelta(days=3)
    with pytest.raises(RewardGone):
        redeem(alice, reward)
    assert cancel(alice, redemption).state == "cancelled"
    variant.refresh_from_db()
    assert variant.on_hand == 1
    assert verify_stock().findings == ()
    assert_sound()


def test_goods_that_buyers_were_promised_are_not_given_away(alice):
    give(alice, 500)
    make_address(alice)
    variant = make_variant("MUG", 3_000, on_hand=1)
    type(variant).objects.filter(pk=variant.pk).update(reserved=1)
    with pytest.raises(RewardGone):
        redeem(alice, make_reward(500, kind="goods", variant=variant))
    assert account_of(alice).balance == 500


def test_goods_whose_stock_is_not_kept_never_run_out(alice):
    give(alice, 500)
    make_address(alice)
    variant = make_variant("MUG", 3_000)
    reward = make_reward(500, kind="goods", variant=variant, refundable_days=1)
    cancel(alice, redeem(alice, reward))
    assert not StockMove.objects.exists()


def test_another_members_address_is_nobodys(alice, bob):
    give(alice, 500)
    theirs = make_address(bob)
    variant = make_variant("MUG", 3_000, on_hand=1)
    reward = make_reward(500, kind="goods", variant=variant)
    with pytest.raises(AddressNeeded):
        redeem(alice, reward, address=theirs.public_id)


def test_stored_value_is_paid_in_and_comes_back_while_it_is_there(alice, dana):
    give(alice, 1_000)
    reward = make_reward(500, kind="stored_value", refundable_days=7)
    first, second = redeem(alice, reward), redeem(alice, reward)
    assert Wallet.objects.get(pk=alice.pk).balance_minor == 2_000
    cancel(alice, first)
    top_up_wallet(
        member_id=alice.pk,
        amount_minor=-1,
        reason="spent",
        actor=dana,
        source="test:1",
        now=NOON,
    )
    with pytest.raises(RewardUsed):
        cancel(alice, second)
    assert account_of(alice).balance == 500
    assert Wallet.objects.get(pk=alice.pk).balance_minor == 999
    assert verify_wallets().findings == ()


def test_a_coupon_is_issued_and_revoked_but_not_once_it_was_used(alice):
    give(alice, 1_000)
    template = make_template(stock=2)
    reward = make_reward(
        500, kind="coupon", template=template.public_id, refundable_days=7
    )
    first, second = redeem(alice, reward), redeem(alice, reward)
    with pytest.raises(RewardGone):
        give(alice, 500)
        redeem(alice, reward)
    cancel(alice, first)
    Coupon.objects.filter(public_id=second.result).update(
        state=Coupon.State.USED, order=paid_order(alice, 5_000), used_at=NOON
    )
    with pytest.raises(RewardUsed):
        cancel(alice, second)
    states = Coupon.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["revoked", "used"]
    assert account_of(alice).balance == 1_000


def test_goods_whose_stock_is_no_longer_kept_are_given_back_all_the_same(alice):
    give(alice, 500)
    make_address(alice)
    mug = make_variant("MUG", 3_000, on_hand=1)
    reward = make_reward(500, kind="goods", variant=mug, refundable_days=7, stock=1)
    redemption = redeem(alice, reward)
    Variant.objects.filter(pk=mug.pk).update(on_hand=None)
    cancel(alice, redemption)
    reward.refresh_from_db()
    assert (account_of(alice).balance, reward.taken) == (500, 0)


def test_x5_a_coupon_given_back_is_there_for_the_next_one(alice, bob):
    give(alice, 500)
    give(bob, 500)
    template = make_template(stock=1)
    reward = make_reward(
        500, kind="coupon", template=template.public_id, refundable_days=7, stock=1
    )
    cancel(alice, redeem(alice, reward))
    assert redeem(bob, reward).state == "fulfilled"
    template.refresh_from_db()
    assert template.issued == 1


def test_a_reward_that_says_nothing_of_what_it_gives_costs_nothing(alice):
    give(alice, 500)
    paused = make_template()
    CouponTemplate.objects.update(state="draft")
    for reward in (
        make_reward(500, kind="goods"),
        make_reward(500, amount_minor=None),
        make_reward(500, kind="coupon", template=paused.public_id),
    ):
        with pytest.raises(RewardIncomplete):
            redeem(alice, reward)
    assert account_of(alice).balance == 500


def test_donations_are_added_up_by_month(alice):
    give(alice, 2_000)
    reward = make_reward(500, amount_minor=1_500, refundable_days=7)
    redeem(alice, reward)
    redeem(alice, reward)
    cancel(alice, redeem(alice, reward))
    (sums,) = donations_by_month(reward_id=reward.pk)
    assert (sums.times, sums.amount_minor, sums.points) == (2, 3_000, 1_000)


# --- Giving back --------------------------------------------------------------


def test_p20_points_go_back_to_their_lots_and_p21_are_not_earned(alice):
    give(alice, 300)
    give(alice, 400)
    before = lots(alice)
    earned = account_of(alice).lifetime_earned
    redemption = redeem(alice, make_reward(500, refundable_days=7))

    cancel(alice, redemption, now=TOMORROW)
    cancel(alice, redemption, now=TOMORROW)

    assert lots(alice) == before
    assert ledger(alice)[-1] == ("return", 500, 700)
    assert account_of(alice).lifetime_earned == earned
    assert_sound()


def test_p20_points_whose_end_is_past_live_the_grace(alice):
    give(alice, 500)
    redemption = redeem(alice, make_reward(500, refundable_days=90))
    PointsLot.objects.update(expires_at=NOON + timedelta(days=10))

    later = NOON + timedelta(days=60)
    cancel(alice, redemption, now=later)

    lot = PointsLot.objects.get(remaining=500)
    assert lot.expires_at == later + timedelta(days=30)
    assert_sound()


def test_members_give_back_until_the_deadline_and_only_their_own(alice, mallory):
    give(alice, 2_000)
    reward = make_reward(500, refundable_days=1)
    never = redeem(alice, make_reward(500))
    redemption = redeem(alice, reward)
    with pytest.raises(RedemptionUnknown):
        cancel(mallory, redemption)
    with pytest.raises(TooLateToGiveBack):
        cancel(alice, never)
    with pytest.raises(TooLateToGiveBack):
        cancel(alice, redemption, now=redemption.refundable_until)
    last = redemption.refundable_until - timedelta(microseconds=1)
    assert cancel(alice, redemption, now=last).state == "refunded"


def test_what_was_sent_is_for_staff_to_take_back_with_or_without_the_piece(alice, dana):
    give(alice, 1_000)
    make_address(alice)
    variant = make_variant("MUG", 3_000, on_hand=2)
    reward = make_reward(500, kind="goods", variant=variant, stock=2, refundable_days=7)
    good, lost = redeem(alice, reward), redeem(alice, reward)
    parcels = {good.pk: " SF1 ", lost.pk: "SF2"}
    assert ship_redemptions(parcels=parcels, carrier="SF", actor=dana, now=NOON) == 2
    with pytest.raises(TooLateToGiveBack):
        cancel(alice, good)
    told = {"actor": dana, "reason": "Came back", "now": TOMORROW}
    end_redemption(redemption=good.public_id, **told)
    ended = end_redemption(redemption=lost.public_id, came_back=False, **told)
    variant.refresh_from_db()
    reward.refresh_from_db()
    assert (variant.on_hand, reward.taken, ended.state) == (1, 1, "refunded")
    assert account_of(alice).balance == 1_000
    assert AuditEntry.objects.filter(action="rewards.refunded").count() == 2
    assert_sound()


# --- Sending ------------------------------------------------------------------


def test_many_are_sent_in_one_statement_and_only_what_still_waits(
    alice, dana, django_assert_max_num_queries
):
    give(alice, 5_000)
    make_address(alice)
    variant = make_variant("MUG", 3_000, on_hand=5)
    reward = make_reward(500, kind="goods", variant=variant, refundable_days=7)
    rows = [redeem(alice, reward) for _ in range(4)]
    cancel(alice, rows[0])

    parcels = {row.pk: f"SF{row.pk}" for row in rows}
    with django_assert_max_num_queries(6):
        sent = ship_redemptions(parcels=parcels, carrier="SF", actor=dana, now=TOMORROW)

    assert sent == 3
    rows[0].refresh_from_db()
    rows[1].refresh_from_db()
    assert rows[0].state == "cancelled"
    assert (rows[1].state, rows[1].tracking) == ("shipped", f"SF{rows[1].pk}")
    assert ship_redemptions(parcels=parcels, carrier="SF", actor=dana, now=NOON) == 0
    ids = [row.pk for row in rows]
    assert deliver_redemptions(redemption_ids=ids, actor=dana, now=TOMORROW) == 3
    assert deliver_redemptions(redemption_ids=ids, actor=dana, now=TOMORROW) == 0
