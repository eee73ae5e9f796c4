"""Back-tests of carts that were left: whose, at which prices, chunk by chunk."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import Backtest, Budget, Segment, SegmentMember
from campaigns.services import backtesting, replaying_carts
from campaigns.services.publishing import pause_promotion
from crm.shared.jobs import cancel_job, retry_job, run_job
from crm.shared.models import Job
from loyalty.models import Tier, TierChange
from orders.models import CartLine, FreightRule, Price, Variant
from orders.services.carts import change_item
from orders.services.merging_carts import merge_cart
from tests.campaigns.backtests import (
    DAY,
    ask,
    cancelled_in,
    draft,
    killed_after,
    live,
    run,
    sold,
)
from tests.campaigns.recipes import ladder, of_kind
from tests.cast import NOON, make_variant
from tests.orders.shop import fill_cart


@pytest.fixture(autouse=True)
def goods(db, settings):
    """Two things of 100.00 and 30.00, and no charge for delivery."""
    settings.FREIGHT_MINOR = 0
    make_variant("TEA", 10_000)
    make_variant("CUP", 3_000)


# --- What is found --------------------------------------------------------------------


def test_carts_that_nobody_ordered_are_replayed_and_are_no_cost(dana, alice):
    fill_cart({"TEA": 1}, member=alice, now=NOON - 5 * DAY)
    fill_cart({"TEA": 1, "CUP": 1})  # a visitor's
    sold({"CUP": 1})
    fill_cart({})
    fill_cart({"TEA": 1}, now=NOON - 9 * DAY)
    found = run(draft(dana), dana)
    totals = found.cart_totals
    assert (found.state, found.is_done, found.job.done) == ("done", True, 3)
    assert (totals.carts, totals.applied, totals.lower) == (2, 2, 2)
    assert totals.lower_minor == 2_300
    assert totals.days == {
        "2026-11-16": [1, 1, 1_000, 0],
        "2026-11-21": [1, 1, 1_300, 0],
    }
    assert (found.totals.orders, found.totals.cost_minor) == (1, 300)


def test_a_cart_that_became_part_of_another_is_no_cart(dana, alice):
    fill_cart({"CUP": 1}, member=alice)
    visited = fill_cart({"TEA": 1})
    merge_cart(visitor_cart=visited.public_id, member_id=alice.pk, now=NOON)
    totals = run(draft(dana), dana).cart_totals
    assert (totals.carts, totals.lower_minor) == (1, 1_300)


def test_a_cart_with_a_price_agreed_elsewhere_is_not_looked_at(dana):
    cart = fill_cart({"TEA": 1, "CUP": 1})
    CartLine.objects.filter(cart=cart, variant__sku="CUP").update(
        agreed_minor=100, agreed_kind="group"
    )
    assert run(draft(dana), dana).cart_totals.carts == 0


def test_its_baseline_is_what_is_live_today(dana):
    fill_cart({"TEA": 1})
    gone = live(dana, **of_kind("percent", {"percent_bp": 5_000}))
    pause_promotion(promotion_id=gone.pk, reason="x", actor=dana, now=NOON)
    on = live(dana, **of_kind("percent", {"percent_bp": 2_000}))
    totals = run(draft(dana), dana).cart_totals
    assert totals.lower_minor == 800, "a tenth of what the live one leaves"
    same = run(on, dana).cart_totals
    assert (same.applied, same.lower, same.dearer) == (1, 0, 0)


def test_what_began_later_lowers_no_cart_from_before(dana):
    fill_cart({"TEA": 1}, now=NOON - 3 * DAY)
    live(dana, **of_kind("percent", {"percent_bp": 2_000}))
    assert run(draft(dana), dana).cart_totals.lower_minor == 1_000


def test_near_misses_are_counted_with_what_they_miss(dana):
    for cups in (1, 2, 3, 4):
        fill_cart({"CUP": cups})
    totals = run(draft(dana, **ladder((10_000, 1_000))), dana).cart_totals
    assert (totals.carts, totals.lower, totals.near) == (4, 1, 1)
    assert (totals.missing_minor, totals.lower_minor) == (1_000, 1_000)


def test_prices_are_those_of_the_moment_it_was_changed_last(dana):
    tea = Variant.objects.get(sku="TEA")
    Price.objects.create(
        variant=tea,
        kind=Price.Kind.SALE,
        amount_minor=5_000,
        starts_at=NOON - 4 * DAY,
        ends_at=NOON - 2 * DAY,
        created_at=NOON,
    )
    cart = fill_cart({"TEA": 1}, now=NOON - 3 * DAY)
    assert run(draft(dana), dana).cart_totals.lower_minor == 500
    item = cart.lines.get().public_id
    change_item(cart_id=cart.pk, item=item, quantity=2, now=NOON)
    assert run(draft(dana), dana, days=30).cart_totals.lower_minor == 2_000


def test_delivery_is_charged_as_the_rules_of_today_have_it(dana):
    FreightRule.objects.create(name="all", first_minor=800)
    fill_cart({"TEA": 1})
    totals = run(draft(dana, **of_kind("free_freight", {})), dana).cart_totals
    assert (totals.lower, totals.lower_minor) == (1, 800)


def test_the_holder_is_the_one_of_that_day(dana, alice):
    tier = Tier.objects.order_by("threshold_minor").last()
    fill_cart({"TEA": 1}, member=alice, now=NOON - 3 * DAY)
    TierChange.objects.create(
        member=alice,
        to_tier=tier,
        value_minor=1,
        reason="x",
        occurred_at=NOON - 2 * DAY,
    )
    sold({"TEA": 1}, member=alice, now=NOON - 2 * DAY)
    fill_cart({"TEA": 1}, member=alice, now=NOON - DAY)
    fill_cart({"TEA": 1})
    for when, day in (
        ({"audience": [f"tier:{tier.code}"]}, "2026-11-20"),
        ({"nth_order": 1}, "2026-11-18"),
        ({"nth_order": 2}, "2026-11-20"),
    ):
        recipe = of_kind("percent", {"percent_bp": 1_000}, when=when)
        totals = run(draft(dana, **recipe), dana).cart_totals
        lower = [each for each, counts in totals.days.items() if counts[1]]
        assert (totals.carts, lower) == (3, [day])


def test_who_is_in_a_segment_today_stands_for_that_day_in_orders_and_in_carts(
    dana, alice
):
    segment = Segment.objects.create(code="tea-lovers", name="爱茶")
    SegmentMember.objects.create(segment=segment, member=alice, since=NOON)
    sold({"TEA": 1}, member=alice)
    fill_cart({"CUP": 1}, member=alice)
    fill_cart({"CUP": 1})
    when = {"audience": ["segment:tea-lovers"]}
    found = run(
        draft(dana, **of_kind("percent", {"percent_bp": 1_000}, when=when)), dana
    )
    assert (found.totals.applied, found.totals.cost_minor) == (1, 1_000)
    assert (found.cart_totals.carts, found.cart_totals.lower_minor) == (2, 300)


def test_every_cart_meets_the_whole_budget(dana):
    for _ in range(3):
        fill_cart({"TEA": 1})
    budget = Budget.objects.create(name="b", amount_minor=1_500)
    totals = run(draft(dana, budget_id=budget.pk, limit_total=1), dana).cart_totals
    assert (totals.lower, totals.lower_minor) == (3, 3_000)


def test_members_leave_no_trace_in_it(dana, alice):
    cart = fill_cart({"TEA": 1}, member=alice)
    kept = str(run(draft(dana), dana).carts)
    assert not any(each in kept for each in (alice.public_id, cart.public_id))


# --- The job --------------------------------------------------------------------------


@pytest.fixture
def seven(monkeypatch, dana):
    """Two sold orders and seven carts, two of a moment; chunks of two."""
    monkeypatch.setattr(backtesting, "CHUNK", 2)
    monkeypatch.setattr(replaying_carts, "CHUNK", 2)
    for n in (0, 1):
        sold({"TEA": 1}, now=NOON - n * DAY)
    for n in (0, 1, 1, 2, 3, 4, 5):
        fill_cart({"CUP": n + 1}, now=NOON - n * DAY)
    return draft(dana, **ladder((10_000, 500)))


def both_of(backtest) -> tuple[dict, dict]:
    backtest.refresh_from_db()
    return backtest.found, backtest.carts


@pytest.mark.parametrize("chunks", [0, 2])
def test_a_killed_job_goes_on_after_its_last_chunk(seven, dana, monkeypatch, chunks):
    whole = run(seven, dana)
    asked = ask(seven, dana)
    replay_carts, calls = replaying_carts.replay_carts, []

    killed = killed_after(replay_carts, chunks=chunks, calls=calls)
    monkeypatch.setattr("campaigns.jobs.replay_carts", killed)
    with pytest.raises(KeyboardInterrupt):
        run_job(asked.job_id)
    found, carts = both_of(asked)
    assert (found["orders"], carts["carts"], asked.is_done) == (2, 2 * chunks, False)
    Job.objects.filter(pk=asked.job_id).update(heartbeat_at=NOON - 365 * DAY)
    run_job(asked.job_id)
    assert both_of(asked) == (whole.found, whole.carts)
    assert (asked.is_done, asked.job.done) == (True, 9)


def test_stopped_among_the_carts_it_keeps_what_it_has_and_goes_on(
    seven, dana, monkeypatch
):
    asked = ask(seven, dana)
    replay_carts = replaying_carts.replay_carts

    cancelling = cancelled_in(replay_carts, job_id=asked.job_id)
    monkeypatch.setattr("campaigns.jobs.replay_carts", cancelling)
    run_job(asked.job_id)
    assert both_of(asked)[1]["carts"] == 2
    assert Backtest.objects.get(pk=asked.pk).state == "cancelled"
    monkeypatch.setattr("campaigns.jobs.replay_carts", replay_carts)
    retry_job(job_id=asked.job_id, actor=dana, now=NOON)
    run_job(asked.job_id)
    again = run(seven, dana)
    assert both_of(asked) == (again.found, again.carts)
    assert asked.is_done


def test_a_chunk_takes_as_many_statements_whatever_it_holds(
    seven, dana, alice, monkeypatch
):
    """Also where the live offers ask about buyers, gifts and budgets."""
    make_variant("MUG", 900)
    budget = Budget.objects.create(name="b", amount_minor=9_000)
    live(dana, **of_kind("gift", {"skus": ["MUG"]}), budget_id=budget.pk)
    when = {"nth_order": 1, "audience": ["segment:x"]}
    live(dana, **of_kind("percent", {"percent_bp": 500}, when=when))
    fill_cart({"CUP": 2}, member=alice, now=NOON - 4 * DAY)
    counts = []
    for size in (2, 8):
        monkeypatch.setattr(replaying_carts, "CHUNK", size)
        asked = Backtest.objects.select_related("promotion").get(pk=ask(seven, dana).pk)
        replaying = replaying_carts.CartReplaying.of(
            asked, backtesting.Replaying.of(asked)
        )
        with CaptureQueriesContext(connection) as caught:
            count, _after = replaying_carts.replay_carts(
                backtest_id=asked.pk, after=None, replaying=replaying
            )
        assert count == size
        counts.append(len(caught))
        cancel_job(job_id=asked.job_id, actor=dana, now=NOON)
    assert counts == [4, 4]
