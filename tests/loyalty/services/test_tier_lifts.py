"""What lifts a member, from when, and what a refund leaves of it (T4, T6, T9)."""

import random
from datetime import datetime, timedelta

import pytest

from loyalty.models import PointsEntry, Program, Tier, TierChange
from loyalty.queries.tier_measures import counted
from loyalty.queries.tier_terms import main_ladder
from loyalty.services.adjusting import grant_points
from loyalty.services.clawing import settle_refund
from loyalty.services.earning import earn_for_order
from loyalty.services.redeeming import redeem_points
from loyalty.services.revoking import revoke_entry
from loyalty.services.tier_nights import review_tiers
from loyalty.subscribers import lift_for_delivery, look_at_reopened
from members.services.merging import merge_members
from members.services.unmerging import undo_merge
from orders.models import Order
from orders.rules.refund_effects import Shortfall
from orders.services.returning import send_due_refunds
from tests.cast import NOON, put_in_state
from tests.loyalty.books import (
    SHOP_ZONE,
    account_of,
    ladder_with,
    paid_order,
    refund,
    standing_of,
)
from tests.loyalty.test_refund_effects import refund as give_back
from tests.loyalty.test_refund_effects import settle_all, swap_for

NEW_YEAR = datetime(2027, 1, 1, tzinfo=SHOP_ZONE)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
YEARLY = {"window": "year", "term": "end_of_period"}


def earn(order, now=None):
    return earn_for_order(order_id=order.pk, now=now or order.paid_at)


def buy(member, net_minor, *, at=NOON):
    order = paid_order(member, net_minor, at=at)
    earn(order)
    return order


def all_back(order, *, at=NOON + DAY, now=None):
    row = refund(order, order.paid_minor, at=at, is_last=True)
    settle_refund(refund_id=row.pk, now=now or at)


def part_back(order, net_minor, *, at=NOON + DAY):
    settle_refund(refund_id=refund(order, net_minor, at=at).pk, now=at)


def tier_of(member):
    return account_of(member).tier.code


# --- Refunds ----------------------------------------------------------------------


@pytest.mark.parametrize("second_first", [True, False])
def test_t9_who_gives_all_back_keeps_no_tier_whatever_comes_back_first(
    alice, second_first
):
    ladder_with(**YEARLY)
    orders = [buy(alice, 60_000), buy(alice, 50_000, at=NOON + HOUR)]
    assert tier_of(alice) == "gold"

    first, last = reversed(orders) if second_first else orders
    all_back(first)
    assert tier_of(alice) == ("silver" if second_first else "gold")
    all_back(last, at=NOON + 2 * DAY)

    assert (tier_of(alice), standing_of(alice).valid_until) == ("member", None)


def test_t9_a_lift_undone_leaves_what_is_still_earned(alice):
    ladder_with(**YEARLY)
    order = buy(alice, 110_000)
    part_back(order, 50_000)
    assert (tier_of(alice), standing_of(alice).valid_until) == ("silver", NEW_YEAR)
    part_back(order, 30_000, at=NOON + 2 * DAY)
    assert tier_of(alice) == "member", "the same order gave that, too"


def test_t9_an_order_that_keeps_the_tier_of_one_given_back_keeps_it_no_longer(alice):
    ladder_with(**YEARLY)
    Tier.objects.filter(code="gold").update(threshold_minor=400_000)
    lifting, keeping = buy(alice, 60_000), buy(alice, 50_000)
    all_back(lifting)
    assert tier_of(alice) == "silver", "50,000 keep it"
    all_back(keeping, at=NOON + 2 * DAY)
    assert tier_of(alice) == "member"


def test_t7_t9_what_left_the_window_is_no_matter_of_a_refund(alice):
    ladder_with(window_days=30, term="end_of_next")
    order = buy(alice, 60_000)
    part_back(order, 1_000)
    other = buy(alice, 5_000, at=NOON + 40 * DAY)
    all_back(other, at=NOON + 41 * DAY)
    assert tier_of(alice) == "silver", "59,000 lifted as well"


@pytest.mark.parametrize("delay", [timedelta(0), 2 * DAY])
def test_t9_the_protection_asks_when_it_came_back_not_when_the_news_came(alice, delay):
    ladder_with(window="year", term="end_of_next", protect_days=10)
    order = buy(alice, 60_000)
    at = NOON + 9 * DAY
    all_back(order, at=at, now=at + delay)
    assert tier_of(alice) == "member"


def test_t9_after_the_days_of_protection_a_refund_undoes_nothing(alice):
    ladder_with(**YEARLY, protect_days=10)
    all_back(buy(alice, 60_000), at=NOON + 10 * DAY)
    assert tier_of(alice) == "silver"


def test_t9_t15_what_came_back_in_a_freeze_counts_on_reopening(alice):
    ladder_with(**YEARLY)
    order = buy(alice, 60_000)
    put_in_state(alice, "frozen")
    all_back(order)
    assert tier_of(alice) == "silver"

    put_in_state(alice, "active")
    moved = {"member_id": alice.pk, "from_state": "frozen", "to_state": "active"}
    look_at_reopened(moved, fact=None, now=NOON + 2 * DAY)

    assert tier_of(alice) == "member"


def test_t9_r14_the_difference_of_an_exchange_lifts_and_is_given_back(alice, bought):
    ladder_with(**YEARLY)
    Tier.objects.filter(code="silver").update(threshold_minor=41_000)
    new = swap_for(bought, 11_000)
    earn(new, now=NOON + DAY)
    settle_all()
    assert tier_of(alice) == "silver"

    give_back(new, key="k2")
    send_due_refunds(now=NOON + 2 * DAY)
    settle_all()

    assert tier_of(alice) == "member"


def merge(winner, loser, actor, now=NOON):
    return merge_members(
        winner_id=winner.pk,
        loser_id=loser.pk,
        actor=actor,
        reason="one person",
        now=now,
    )


@pytest.mark.parametrize(("own", "left"), [(0, "member"), (60_000, "silver")])
def test_t9_p28_a_lift_that_came_with_a_merge_is_undone_to_what_was_there(
    alice, bob, dana, own, left
):
    ladder_with(**YEARLY)
    if own:
        buy(alice, own)
    order = buy(bob, 150_000)
    merge(alice, bob, dana)
    assert tier_of(alice) == "gold"
    all_back(order)
    assert tier_of(alice) == left


def test_t8_t9_a_term_earned_without_the_lift_is_no_matter_of_it(alice):
    ladder_with(**YEARLY)
    order = buy(alice, 60_000)
    review_tiers(now=NEW_YEAR)
    buy(alice, 60_000, at=NEW_YEAR + DAY)
    later = NEW_YEAR.replace(year=2028)
    review_tiers(now=later)

    all_back(order, at=later + DAY)

    assert tier_of(alice) == "silver", "by what came in 2027"


@pytest.mark.parametrize("seed", range(12))
def test_t9_x2_whatever_is_bought_and_given_back_in_any_order_leaves_nothing(
    alice, seed
):
    rng = random.Random(seed)
    ladder_with(**YEARLY)
    now, orders, parts = NOON, [], []
    for net in rng.choices([9_900, 30_000, 60_000, 150_000], k=rng.randint(2, 4)):
        now += HOUR
        order = paid_order(alice, net, at=now, quantity=3)
        orders.append(order)
        parts += [(order, net // 3)] * 3
    rng.shuffle(parts)
    moves = [(order, 0) for order in orders]
    for order, net in parts:
        # A refund may be booked before other orders are, even before its own.
        moves.insert(rng.randint(orders.index(order) + 1, len(moves)), (order, net))
    left = {order.pk: 3 for order in orders}
    terms = main_ladder().terms
    for order, net in moves:
        now += HOUR
        if not net:
            earn(order, now=now)
            continue
        left[order.pk] -= 1
        row = refund(order, net, at=now, is_last=not left[order.pk])
        settle_refund(refund_id=row.pk, now=now)
        found = counted(main_ladder(), at=now, member_ids=[alice.pk])[alice.pk]
        reached = terms.reached(found.numbers)
        assert terms.rank(tier_of(alice)) >= terms.rank(reached)
    standing = standing_of(alice)
    assert tier_of(alice) == "member"
    assert standing is None or (standing.valid_until, standing.put_aside) == (None, [])


# --- Windows ----------------------------------------------------------------------


def test_t6_two_periods_are_not_added_up_to_lift(alice):
    ladder_with(**YEARLY)
    buy(alice, 90_000)
    buy(alice, 15_000, at=NEW_YEAR + timedelta(minutes=10))
    assert tier_of(alice) == "silver", "neither year reached 100,000"
    review_tiers(now=NEW_YEAR + HOUR)
    assert tier_of(alice) == "silver", "90,000 of last year keep it"


def test_t6_t8_the_days_of_grace_keep_a_tier_and_lift_to_none(alice):
    ladder_with(**YEARLY, grace_days=31)
    buy(alice, 60_000, at=NOON - 365 * DAY)
    review_tiers(now=standing_of(alice).valid_until)
    buy(alice, 40_000)
    review_tiers(now=NEW_YEAR)
    assert standing_of(alice).grace_until == NEW_YEAR + 31 * DAY

    buy(alice, 60_000, at=NEW_YEAR + 5 * DAY)
    review_tiers(now=NEW_YEAR + 5 * DAY)

    assert tier_of(alice) == "silver", "neither year reached 100,000"
    assert standing_of(alice).valid_until == NEW_YEAR.replace(year=2028)


def test_t8_without_grace_what_comes_after_the_term_does_not_keep_it(alice):
    ladder_with(**YEARLY)
    buy(alice, 60_000, at=NOON - 365 * DAY)
    review_tiers(now=standing_of(alice).valid_until)
    buy(alice, 40_000)
    buy(alice, 10_000, at=NEW_YEAR + timedelta(minutes=10))
    review_tiers(now=NEW_YEAR + HOUR)
    assert tier_of(alice) == "member"


def test_t8_who_falls_lands_by_the_window_that_is_over(alice):
    ladder_with(**YEARLY)
    buy(alice, 150_000, at=NOON - 365 * DAY)
    review_tiers(now=standing_of(alice).valid_until)
    buy(alice, 60_000)
    review_tiers(now=NEW_YEAR)
    assert tier_of(alice) == "silver"


# --- Late news --------------------------------------------------------------------


@pytest.mark.parametrize("delay", [timedelta(0), timedelta(minutes=5), 2 * DAY])
def test_t4_x2_an_order_of_the_last_minute_of_a_period_lifts_however_late(alice, delay):
    ladder_with(window="year", term="end_of_next")
    at = NEW_YEAR - timedelta(minutes=1)
    earn(paid_order(alice, 60_000, at=at), now=at + delay)
    assert tier_of(alice) == "silver"
    assert standing_of(alice).valid_until == NEW_YEAR.replace(year=2028)


@pytest.mark.parametrize("late", [False, True])
def test_p7_after_a_late_lift_the_next_order_earns_by_it(alice, late):
    ladder_with(window_days=30)
    buy(alice, 60_000)
    second = paid_order(alice, 30_000, at=NOON + 30 * DAY - timedelta(minutes=10))
    third = paid_order(alice, 30_000, at=NOON + 30 * DAY - timedelta(minutes=5))
    night = NOON + 30 * DAY + timedelta(minutes=1)
    if not late:
        earn(second)
        earn(third)
    review_tiers(now=night)
    earn(third, now=night + timedelta(minutes=5))
    assert tier_of(alice) == "silver"

    entry = earn(paid_order(alice, 10_000, at=NOON + 31 * DAY))

    assert (entry.trace["tier"], entry.points) == ("silver", 120)
    last = TierChange.objects.order_by("-occurred_at", "-pk").first()
    assert last.to_tier.code == "silver"


# --- Points earned ----------------------------------------------------------------


def points_of(member, at=NOON + 2 * DAY):
    found = counted(main_ladder(), at=at, member_ids=[member.pk])
    return found[member.pk].numbers["points"]


def test_t1_points_of_staff_count_neither_given_nor_revoked(alice):
    ladder_with(metric="points")
    buy(alice, 60_000)
    given = grant_points(
        member_id=alice.pk, points=200, reason="x", actor="t", source="s:1", now=NOON
    )
    assert points_of(alice) == 600
    revoke_entry(entry_id=given.pk, reason="wrong", actor="t", now=NOON)
    assert points_of(alice) == 600


@pytest.mark.parametrize("policy", ["to_zero", "pending", "debt", "deduct"])
def test_t1_t2_points_earned_fall_with_a_refund_though_they_are_spent(alice, policy):
    Program.objects.update(claw_back=policy)
    ladder_with(metric="points")
    order = buy(alice, 60_000)
    redeem_points(member_id=alice.pk, points=600, source="x:1", now=NOON)
    all_back(order)
    assert points_of(alice) == 0


def test_t2_points_deducted_from_the_money_were_given_back(alice, bought):
    ladder_with(metric="points")
    before = points_of(alice)
    redeem_points(member_id=alice.pk, points=before, source="x:1", now=NOON)
    give_back(bought, units=3, shortfall=Shortfall.DEDUCT)
    settle_all()
    assert PointsEntry.objects.filter(trace__has_key="deducted").exists()
    assert (before, points_of(alice)) == (400, 100)


def test_t4_where_delivery_lifts_points_count_when_the_order_arrives(alice):
    ladder_with(metric="points", lifts_on="delivery")
    Tier.objects.filter(code="silver").update(threshold_minor=300)
    order = buy(alice, 30_000)
    assert tier_of(alice) == "member"
    Order.objects.filter(pk=order.pk).update(state="delivered", delivered_at=NOON + DAY)
    lift_for_delivery({"order_id": order.pk}, fact=None, now=NOON + DAY)
    assert tier_of(alice) == "silver"


def test_p28_points_earned_count_for_who_has_the_order_after_a_parting(
    alice, bob, dana
):
    ladder_with(metric="points")
    order = paid_order(bob, 60_000)
    made = merge(alice, bob, dana)
    order.refresh_from_db()
    earn(order)
    assert points_of(alice) == 600
    undo_merge(merge_id=made.pk, reason="oops", actor=dana, now=NOON + DAY)
    assert (points_of(alice), points_of(bob)) == (0, 600)
