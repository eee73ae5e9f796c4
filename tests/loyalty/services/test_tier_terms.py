"""Terms, pins, nights and clubs as they are written."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from crm.shared.models import AuditEntry, Fact
from loyalty import tasks
from loyalty.models import Ladder, PointsAccount, Tier, TierChange, TierStanding
from loyalty.queries.tier_base import unsettled
from loyalty.queries.tier_measures import counted
from loyalty.queries.tier_terms import ladder_in_force, main_ladder
from loyalty.services import tier_nights
from loyalty.services.clawing import settle_refund
from loyalty.services.earning import earn_for_order
from loyalty.services.pinning import (
    NoSuchTier,
    NotEvaluated,
    NotPinned,
    PinEndsInPast,
    pin_tier,
    unpin_tier,
)
from loyalty.services.posting import open_accounts
from loyalty.services.tier_nights import review_tiers, warn_of_falls
from loyalty.services.tiering import review_tier
from loyalty.subscribers import lift_for_delivery, look_at_reopened
from orders.models import Order
from tests.cast import NOON, make_member, put_in_state
from tests.loyalty.books import (
    account_of,
    ladder_with,
    paid_order,
    refund,
    standing_of,
)

ZONE = ZoneInfo("Asia/Shanghai")
NEW_YEAR = datetime(2027, 1, 1, tzinfo=ZONE)
DAY = timedelta(days=1)
YEARLY = {"window": "year", "term": "end_of_period"}


def earn(order, now=NOON):
    return earn_for_order(order_id=order.pk, now=now)


def tier_of(member):
    return account_of(member).tier.code


def news():
    payloads = Fact.objects.filter(name="loyalty.TierChanged").order_by("id")
    return [(p["to_tier_code"], p["is_upgrade"]) for p in values(payloads)]


def values(facts):
    return list(facts.values_list("payload", flat=True))


# --- Terms ------------------------------------------------------------------------


def test_t7_a_lift_begins_a_term_and_the_night_after_it_lowers(alice):
    ladder_with(**YEARLY)
    earn(paid_order(alice, 60_000))
    assert standing_of(alice).valid_until == NEW_YEAR

    assert review_tiers(now=NEW_YEAR - timedelta(seconds=1)) == 0
    assert tier_of(alice) == "silver"
    earn(paid_order(alice, 10_000, at=NEW_YEAR), now=NEW_YEAR)
    assert review_tiers(now=NEW_YEAR) == 0, "60,000 of last year keep it"
    assert standing_of(alice).valid_until == NEW_YEAR.replace(year=2028)

    later = NEW_YEAR.replace(year=2028)
    assert review_tiers(now=later) == 1
    assert (tier_of(alice), standing_of(alice).valid_until) == ("member", None)
    assert review_tiers(now=later) == 0, "T11"
    assert news() == [("silver", True), ("member", False)]


def test_t9_a_refund_of_the_lifting_order_undoes_the_lift(alice):
    ladder_with(**YEARLY, protect_days=30)
    first = paid_order(alice, 60_000)
    earn(first)
    second = paid_order(alice, 50_000, at=NOON + timedelta(hours=1))
    earn(second, now=NOON + timedelta(hours=1))
    assert tier_of(alice) == "gold"

    settle_refund(refund_id=refund(first, 60_000).pk, now=NOON + DAY)
    assert tier_of(alice) == "gold", "it did not lift to gold"

    assert standing_of(alice).put_aside != [], "what lifted to silver may be undone yet"

    settle_refund(refund_id=refund(second, 1_000).pk, now=NOON + DAY)
    assert tier_of(alice) == "member", "49,000 are not 50,000"
    assert standing_of(alice).valid_until is None


def test_without_terms_no_standing_is_written(alice):
    earn(paid_order(alice, 60_000))
    assert not TierStanding.objects.exists()


def test_t8_the_night_gives_grace_once(alice):
    ladder_with(**YEARLY, grace_days=10)
    earn(paid_order(alice, 60_000, at=NOON - 400 * DAY), now=NOON - 400 * DAY)
    held = standing_of(alice)
    end = held.valid_until
    for at in (end, end + DAY, end + 9 * DAY):
        review_tiers(now=at)
        assert standing_of(alice).grace_until is None, "60,000 of that year keep it"
    later = end.replace(year=2026)
    review_tiers(now=later)
    assert standing_of(alice).grace_until == later + 10 * DAY
    assert tier_of(alice) == "silver"
    review_tiers(now=later + 10 * DAY)
    assert tier_of(alice) == "member"


def test_t4_where_delivery_lifts_an_order_counts_when_it_arrives(alice):
    ladder_with(lifts_on="delivery")
    order = paid_order(alice, 60_000)
    earn(order)
    assert tier_of(alice) == "member"
    assert review_tiers(now=NOON) == 0

    Order.objects.filter(pk=order.pk).update(state="delivered")
    lift_for_delivery({"order_id": order.pk}, fact=None, now=NOON + DAY)

    assert tier_of(alice) == "silver"
    assert TierChange.objects.get().occurred_at == NOON + DAY


def test_t4_t5_gifts_of_skipped_tiers_only_if_the_ladder_says_so(alice, bob):
    earn(paid_order(alice, 100_000))
    ladder_with(gifts_of_skipped=True, yearly_gifts=True)
    earn(paid_order(bob, 100_000))
    facts = Fact.objects.filter(name="loyalty.TierChanged").order_by("id")
    assert [(p["gifts"], p["cycle"]) for p in values(facts)] == [
        (["gold"], ""),
        (["silver", "gold"], "2026"),
    ]


# --- Pins -------------------------------------------------------------------------


def pin(member, tier="gold", *, until=None, ladder="main", now=NOON):
    return pin_tier(
        member_id=member.pk,
        ladder=ladder,
        tier=tier,
        until=until,
        reason="a friend of the house",
        actor="test",
        now=now,
    )


def unpin(member, *, ladder="main", now=NOON):
    return unpin_tier(
        member_id=member.pk, ladder=ladder, reason="over", actor="test", now=now
    )


def test_t10_a_pin_holds_until_its_end_then_the_computed_tier_the_same_day(alice):
    earn(paid_order(alice, 60_000))

    pin(alice, until=NOON + 10 * DAY)

    assert tier_of(alice) == "gold"
    earn(paid_order(alice, 500_000, at=NOON + DAY), now=NOON + DAY)
    assert tier_of(alice) == "gold", "up neither"
    assert review_tiers(now=NOON + 10 * DAY) == 1
    assert tier_of(alice) == "platinum"
    assert not standing_of(alice).is_pinned
    entry = AuditEntry.objects.get(action="tier.pin")
    assert (entry.reason, entry.detail["tier"]) == ("a friend of the house", "gold")


def test_t10_letting_go_computes_at_once(alice):
    earn(paid_order(alice, 60_000))
    pin(alice, "member")
    assert unpin(alice).to_tier.code == "silver"
    with pytest.raises(NotPinned):
        unpin(alice)


@pytest.mark.parametrize(
    ("tier", "until", "refusal"),
    [("iron", None, NoSuchTier), ("gold", NOON, PinEndsInPast)],
)
def test_a_pin_names_a_tier_and_ends_in_the_future(alice, tier, until, refusal):
    with pytest.raises(refusal):
        pin(alice, tier, until=until)


# --- Who is looked at -------------------------------------------------------------


@pytest.mark.parametrize("state", ["frozen", "closed"])
def test_t15_who_is_frozen_or_closed_is_looked_at_on_coming_back(alice, state):
    open_accounts(member_ids=[alice.pk], now=NOON)
    paid = paid_order(alice, 60_000)
    put_in_state(alice, state)
    earn(paid)
    assert tier_of(alice) == "member"
    assert review_tiers(now=NOON) == 0
    with pytest.raises(NotEvaluated):
        pin(alice)

    put_in_state(alice, "active")
    moved = {"member_id": alice.pk, "from_state": state, "to_state": "active"}
    look_at_reopened(moved, fact=None, now=NOON + DAY)

    assert tier_of(alice) == "silver"


# --- Several ladders --------------------------------------------------------------


def make_ladder(code, *tiers, **terms):
    ladder = Ladder.objects.create(code=code, name=code, **terms)
    for number, (tier, threshold) in enumerate(tiers):
        Tier.objects.create(
            ladder=ladder, code=tier, name=tier, threshold_minor=threshold + number
        )
    return ladder


def test_a_club_has_the_members_staff_choose(alice, bob):
    make_ladder("tea", ("friend", 0), metric="none")

    pin(alice, "friend", ladder="tea", until=NOON + DAY)
    pin(bob, "friend", ladder="tea")

    assert standing_of(alice, "tea").tier.code == "friend"
    assert tier_of(alice) == "member", "the main ladder has its own"
    review_tiers(now=NOON + DAY)
    assert standing_of(alice, "tea").tier is None
    assert standing_of(bob, "tea").tier.code == "friend"
    assert unpin(bob, ladder="tea").to_tier is None


def test_ladders_beside_each_other_count_each_their_own(alice):
    make_ladder("visits", ("guest", 1), ("regular", 2), metric="orders")

    for hour in range(3):
        earn(paid_order(alice, 20_000, at=NOON + timedelta(hours=hour)))

    review_tier(member_id=alice.pk, reason="x", now=NOON + DAY)
    assert standing_of(alice, "visits").tier.code == "regular"
    assert tier_of(alice) == "silver"
    assert account_of(alice).tier.ladder.code == "main"


@pytest.mark.parametrize(
    ("metric", "number"),
    [("value", 29_000), ("spend", 29_800), ("points", 290), ("orders", 2)],
)
def test_t2_what_is_counted_falls_with_refunds_in_the_window_of_the_order(
    alice, metric, number
):
    ladder_with(metric=metric, window_days=30)
    later = NOON + 25 * DAY
    earn(paid_order(alice, 30_000, freight_minor=800))
    order = paid_order(alice, 4_000)
    earn(order)
    earn(paid_order(alice, 2_000, at=NOON + DAY), now=NOON + DAY)
    back = refund(order, 4_000, at=later, is_last=True)
    settle_refund(refund_id=back.pk, now=later)
    settle_refund(
        refund_id=refund(Order.objects.order_by("pk").first(), 3_000, at=later).pk,
        now=later,
    )

    found = counted(main_ladder(), at=later, member_ids=[alice.pk])[alice.pk]
    assert found.numbers == {metric: number}
    after = counted(main_ladder(), at=NOON + 30 * DAY, member_ids=[alice.pk])
    few = {"value": 2_000, "spend": 2_000, "points": 20, "orders": 1}
    assert after[alice.pk].numbers == {metric: few[metric]}, "T6: (t − N, t]"


# --- Nights -----------------------------------------------------------------------


def test_t17_who_will_fall_is_told_once_with_what_is_missing(alice, bob):
    ladder_with(**YEARLY, notice_days=30)
    for member in (alice, bob):
        order = paid_order(member, 60_000, at=NOON - 400 * DAY)
        earn(order, now=NOON - 400 * DAY)
    end = datetime(2026, 1, 1, tzinfo=ZONE)
    review_tiers(now=end)
    earn(paid_order(alice, 20_000))
    earn(paid_order(bob, 50_000))
    due = NEW_YEAR - 30 * DAY

    assert warn_of_falls(now=due - timedelta(seconds=1)) == 0
    assert warn_of_falls(now=due) == 1, "Bob qualified meanwhile"
    assert warn_of_falls(now=due + DAY) == 0, "once"

    (told,) = values(Fact.objects.filter(name="loyalty.TierAtRisk"))
    assert (told["member_id"], told["missing_minor"]) == (alice.pk, 30_000)
    assert datetime.fromisoformat(told["valid_until"]) == NEW_YEAR


def silver_until_new_year(member):
    ladder_with(**YEARLY, notice_days=30)
    at = NOON - 365 * DAY
    earn(paid_order(member, 60_000, at=at), now=at)
    review_tiers(now=standing_of(member).valid_until)
    assert standing_of(member).valid_until == NEW_YEAR


def test_t17_where_nobody_falls_nobody_is_told(alice):
    silver_until_new_year(alice)
    ladder_with(downgrade="never")
    assert warn_of_falls(now=NEW_YEAR - DAY) == 0
    review_tiers(now=NEW_YEAR)
    assert tier_of(alice) == "silver"


def test_t14_t17_who_must_leave_a_removed_tier_is_told_though_nobody_falls(alice):
    silver_until_new_year(alice)
    ladder_with(downgrade="never")
    Tier.objects.filter(code="silver").update(removed_at=NOON)
    assert warn_of_falls(now=NEW_YEAR - DAY) == 1
    review_tiers(now=NEW_YEAR)
    assert tier_of(alice) == "member"


def test_t15_t17_who_is_frozen_is_not_told(alice):
    silver_until_new_year(alice)
    put_in_state(alice, "frozen")
    assert warn_of_falls(now=NEW_YEAR - DAY) == 0


def test_t14_at_the_end_of_the_term_a_removed_tier_is_left_for_the_next_lower(alice):
    ladder_with(**YEARLY)
    at = NOON - 365 * DAY
    earn(paid_order(alice, 110_000, at=at), now=at)
    review_tiers(now=standing_of(alice).valid_until)
    Tier.objects.filter(code="gold").update(removed_at=NOON)
    assert review_tiers(now=NOON) == 0, "not before"
    review_tiers(now=NEW_YEAR)
    assert tier_of(alice) == "silver", "though nothing was bought"


def test_p29_the_night_goes_in_its_order_and_a_failing_step_stops_no_other(
    alice, monkeypatch
):
    names = [name for name, _step in tasks.STEPS]
    assert names == [
        "release_holds",
        "activate",
        "expire",
        "pay_debt",
        "begin_versions",
        "review_tiers",
        "warn_of_falls",
    ]

    def fail(*, now):
        raise RuntimeError

    broken = [(n, fail if n == "expire" else step) for n, step in tasks.STEPS]
    monkeypatch.setattr(tasks, "STEPS", broken)
    Ladder.objects.update(window_days=30)
    earn(paid_order(alice, 60_000))

    done = tasks.nightly((NOON + 31 * DAY).isoformat())

    assert (done["expire"], done["review_tiers"]) == (-1, 1)
    assert tier_of(alice) == "member"


def test_p29_one_member_who_fails_stops_nobody_else(alice, bob, monkeypatch):
    Ladder.objects.update(window_days=30)
    earn(paid_order(alice, 60_000))
    earn(paid_order(bob, 60_000))
    right = tier_nights.look_at

    def look_at(*, ladder, member_ids, deed):
        if alice.pk in member_ids:
            raise RuntimeError
        return right(ladder=ladder, member_ids=member_ids, deed=deed)

    monkeypatch.setattr(tier_nights, "look_at", look_at)
    assert review_tiers(now=NOON + 31 * DAY) == 1
    assert (tier_of(alice), tier_of(bob)) == ("silver", "member")


def test_the_night_for_a_past_moment_changes_nothing_that_came_later(alice):
    Ladder.objects.update(window_days=30)
    earn(paid_order(alice, 60_000))
    assert review_tiers(now=NOON - DAY) == 0
    assert tier_of(alice) == "silver"


def test_the_night_costs_the_same_statements_for_one_and_for_many(
    db, django_assert_max_num_queries
):
    Ladder.objects.update(window_days=30)
    for serial in range(1, 13):
        earn(paid_order(make_member(serial), 60_000))
    with django_assert_max_num_queries(12):
        assert review_tiers(now=NOON + 31 * DAY) == 12


def test_nobody_is_unsettled_on_an_idle_night(alice):
    earn(paid_order(alice, 60_000))
    assert unsettled(main_ladder(), at=NOON + DAY) == []
    assert PointsAccount.objects.count() == 1
    club = make_ladder("tea", ("friend", 0), metric="none")
    assert unsettled(ladder_in_force(club), at=NOON + DAY) == []
