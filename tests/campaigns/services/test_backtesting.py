"""Back-tests: real orders of a checkout, replayed with a draft by a job."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import Backtest, Budget, Promotion
from campaigns.services import backtesting
from campaigns.services.backtesting import SpanNotOffered, order_backtest
from campaigns.services.drafting import (
    RecipeInvalid,
    begin_change,
    discard_draft,
    write_draft,
)
from campaigns.services.issuing import issue_to_members
from campaigns.services.publishing import pause_promotion
from crm.shared.jobs import cancel_job, retry_job, run_job
from crm.shared.models import AuditEntry, Job
from loyalty.models import Tier, TierChange
from loyalty.services.adjusting import grant_points
from orders.models import AppliedOffer, Order, OrderLine, Product, Variant
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
from tests.campaigns.recipes import of_kind
from tests.cast import NOON, make_member, make_variant
from tests.faults.callers import at_once
from tests.orders.shop import fill_cart, pay, place


@pytest.fixture(autouse=True)
def goods(db, settings):
    """Two things of 100.00 and 30.00, and no charge for delivery."""
    settings.FREIGHT_MINOR = 0
    Variant.objects.filter(pk=make_variant("TEA", 10_000).pk).update(cost_minor=4_000)
    Variant.objects.filter(pk=make_variant("CUP", 3_000).pk).update(cost_minor=1_000)


# --- What is found --------------------------------------------------------------------


def test_sold_orders_of_the_days_are_replayed_and_nothing_else(dana):
    first = sold({"TEA": 1}, now=NOON - 5 * DAY)
    sold({"TEA": 2, "CUP": 1})
    sold({"CUP": 1}, now=NOON - 6 * DAY)
    place(fill_cart({"TEA": 1}))  # not paid
    found = run(draft(dana), dana)
    totals = found.totals
    assert (found.state, found.is_done, found.job.done) == ("done", True, 2)
    assert found.job.result == {"orders": 2, "touched": 2}
    assert (totals.orders, totals.left_out, totals.cost_minor) == (2, 0, 3_300)
    assert (totals.before_minor, totals.after_minor) == (33_000, 29_700)
    assert (totals.costed, totals.margin_before_minor) == (2, 20_000)
    assert totals.margin_after_minor == 16_700
    assert totals.days == {
        "2026-11-16": [1, 1, 1_000, -1_000],
        "2026-11-21": [1, 1, 2_300, -2_300],
    }
    assert totals.gaining[1] == [*(first.public_id, "2026-11-16", 10_000, 9_000, 1_000)]
    assert Promotion.objects.get().used == 0


def test_s12_a_draft_takes_no_article_below_the_minimum_price_it_has_now(dana):
    sold({"TEA": 2})
    Variant.objects.filter(sku="TEA").update(minimum_price_minor=9_500)
    assert run(draft(dana), dana).totals.cost_minor == 1_000


def test_it_is_the_draft_of_the_moment_it_was_asked_for(dana):
    sold({"TEA": 1})
    promotion = draft(dana)
    asked = ask(promotion, dana)
    write_draft(
        promotion_id=promotion.pk,
        content=of_kind("percent", {"percent_bp": 9_000}),
        actor=dana,
        now=NOON,
    )
    run_job(asked.job_id)
    asked.refresh_from_db()
    assert asked.totals.cost_minor == 1_000


def test_what_was_on_stays_and_the_draft_meets_it_as_a_checkout_would(dana):
    """The better one of a group: the order tells what it was by its terms alone."""
    old = live(
        dana,
        exclusive_group="item",
        **of_kind("amount", {"off_minor": 500, "per": "unit"}),
    )
    order = sold({"TEA": 1, "CUP": 1})
    assert order.total_minor == 12_000
    pause_promotion(promotion_id=old.pk, reason="x", actor=dana, now=NOON)
    totals = run(draft(dana, exclusive_group="item"), dana).totals
    assert (totals.cost_minor, totals.winners, totals.won_minor) == (1_300, 1, 300)
    assert totals.displaced == {
        f"promotion:{old.public_id}": ["promotion", "春茶", 1, 0, 1_000]
    }
    weak = draft(dana, exclusive_group="item", **of_kind("percent", {"percent_bp": 5}))
    assert run(weak, dana).totals.touched == 0


def test_a_change_takes_the_place_of_what_is_live(dana):
    old = live(dana)
    order = sold({"TEA": 1})
    assert order.total_minor == 9_000
    change = begin_change(promotion_id=old.pk, actor=dana, now=NOON)
    less = of_kind("percent", {"percent_bp": 500})
    write_draft(promotion_id=change.pk, content=less, actor=dana, now=NOON)
    found = run(change, dana)
    totals = found.totals
    assert (found.promotion_id, found.is_change) == (old.pk, True)
    assert (totals.cost_minor, totals.replaced_minor) == (500, 1_000)
    assert (totals.losers, totals.lost_minor, totals.winners) == (1, 500, 0)
    assert (len(totals.losing), totals.gaining, totals.displaced) == (1, [], {})
    # As it is, it changes nothing.
    same = run(old, dana).totals
    assert (same.cost_minor, same.after_minor) == (1_000, same.before_minor)


def test_coupons_take_less_of_what_is_left(dana, alice, template):
    type(template).objects.update(kind="percent", percent_bp=1_000, min_spend_minor=0)
    issue_to_members(
        template_id=template.pk, member_ids=[alice.pk], source="x", now=NOON
    )
    coupon = alice.coupons.get()
    order = sold({"TEA": 1}, member=alice, codes=[coupon.code])
    assert order.total_minor == 9_000
    totals = run(draft(dana), dana).totals
    assert (totals.cost_minor, totals.won_minor) == (1_000, 900)
    (row,) = totals.displaced.values()
    assert row == ["coupon", row[1], 0, 1, 100]


def test_delivery_was_charged_and_is_what_free_delivery_costs(dana, settings):
    settings.FREIGHT_MINOR = 800
    settings.FREE_FREIGHT_FROM_MINOR = None
    assert sold({"TEA": 1}).total_minor == 10_800
    free = live(dana, **of_kind("free_freight", {}))
    assert sold({"TEA": 1}).total_minor == 10_000
    pause_promotion(promotion_id=free.pk, reason="x", actor=dana, now=NOON)
    totals = run(draft(dana, **of_kind("free_freight", {})), dana).totals
    assert (totals.orders, totals.left_out) == (2, 0)
    # The second one goes free already; two offers cannot take one charge twice.
    assert (totals.cost_minor, totals.before_minor) == (800, 20_800)


def test_points_pay_as_much_as_they_did(dana, alice):
    grant_points(
        member_id=alice.pk, points=5_000, reason="x", actor=dana, source="x", now=NOON
    )
    cart = fill_cart({"TEA": 1}, member=alice)
    cart.points_to_spend = 1_000
    cart.save(update_fields=["points_to_spend"])
    order = place(cart)
    pay(order)
    assert (order.points_spent, order.total_minor) == (1_000, 9_000)
    totals = run(draft(dana), dana).totals
    assert (totals.orders, totals.cost_minor) == (1, 1_000)
    assert (totals.after_minor, totals.displaced) == (8_000, {})


def test_an_offer_without_terms_keeps_what_it_took(dana):
    live(dana)
    sold({"TEA": 1, "CUP": 1})
    AppliedOffer.objects.all().delete()
    totals = run(draft(dana), dana).totals
    assert (totals.orders, totals.left_out, totals.before_minor) == (1, 0, 11_700)
    # The draft goes first, what the other took comes off what is left.
    assert (totals.cost_minor, totals.after_minor) == (1_300, 10_400)


def test_what_cannot_be_priced_as_it_was_is_left_out_and_said(dana):
    live(dana, **of_kind("percent", {"percent_bp": 1_000}, goods={"skus": ["TEA"]}))
    sold({"TEA": 1})
    OrderLine.objects.update(sku="GONE")
    totals = run(draft(dana), dana).totals
    assert (totals.orders, totals.left_out, totals.cost_minor) == (0, 1, 0)


def test_the_buyer_is_the_one_of_that_day(dana, alice):
    tier = Tier.objects.order_by("threshold_minor").last()
    sold({"TEA": 1}, member=alice, now=NOON - 3 * DAY)
    TierChange.objects.create(
        member=alice,
        to_tier=tier,
        value_minor=1,
        reason="x",
        occurred_at=NOON - 2 * DAY,
    )
    sold({"TEA": 1}, member=alice, now=NOON - DAY)
    sold({"TEA": 1})
    for_tier = {"when": {"audience": [f"tier:{tier.code}"]}}
    totals = run(
        draft(dana, **of_kind("percent", {"percent_bp": 1_000}, **for_tier)), dana
    ).totals
    assert (totals.orders, totals.applied) == (3, 1)
    assert totals.gaining[0][1] == "2026-11-20"
    for nth, day in ((1, "2026-11-18"), (2, "2026-11-20")):
        recipe = of_kind("percent", {"percent_bp": 1_000}, when={"nth_order": nth})
        totals = run(draft(dana, **recipe), dana).totals
        assert [each[1] for each in totals.gaining] == [day]


@pytest.mark.parametrize(
    "fields", [{"waits_for": "group", "paid_at": None}, {"currency": "USD"}]
)
def test_what_waits_and_what_is_in_other_money_is_not_looked_at(dana, fields):
    sold({"TEA": 1})
    Order.objects.update(**fields)
    assert run(draft(dana), dana).totals.as_json()["orders"] == 0


def test_a_refunded_order_counts_as_it_was_placed_and_an_exchange_does_not(dana):
    order = sold({"TEA": 1})
    Order.objects.update(state="refunded")
    sold({"CUP": 1})
    Order.objects.exclude(pk=order.pk).update(source="exchange", exchange_of=order)
    totals = run(draft(dana), dana).totals
    assert (totals.orders, totals.before_minor) == (1, 10_000)


def test_s2_lines_at_a_group_price_stay_as_they_are(dana):
    sold({"TEA": 1, "CUP": 1})
    OrderLine.objects.filter(sku="TEA").update(price_kind="group")
    assert run(draft(dana), dana).totals.cost_minor == 300


def test_its_gifts_cost_what_they_cost_now(dana):
    mug = make_variant("MUG", 900)
    Variant.objects.filter(pk=mug.pk).update(cost_minor=350)
    Product.objects.update(is_listed=True)
    sold({"TEA": 1})
    totals = run(draft(dana, **of_kind("gift", {"skus": ["MUG"]})), dana).totals
    assert (totals.applied, totals.cost_minor) == (1, 0)
    assert (totals.margin_before_minor, totals.margin_after_minor) == (6_000, 5_650)


def test_a_gift_that_the_catalogue_does_not_know_is_not_given(dana):
    sold({"TEA": 1})
    found = run(draft(dana, **of_kind("gift", {"skus": ["NONE"]})), dana)
    assert (found.state, found.totals.orders, found.totals.touched) == ("done", 1, 0)


def test_a_budget_is_used_up_in_the_order_of_placement(dana):
    for days in (1, 3, 2):
        sold({"TEA": 1}, now=NOON - days * DAY)
    budget = Budget.objects.create(name="b", amount_minor=1_500)
    promotion = draft(dana, budget_id=budget.pk)
    totals = run(promotion, dana).totals
    assert [row[2] for row in totals.days.values()] == [1_000, 500, 0]
    assert (totals.ran_out, totals.left_minor) == ("2026-11-19", 0)
    assert list(totals.days) == ["2026-11-18", "2026-11-19", "2026-11-20"]
    budget.refresh_from_db()
    assert (budget.reserved_minor, budget.spent_minor) == (0, 0)


# --- The job --------------------------------------------------------------------------


@pytest.fixture
def seven(monkeypatch, dana):
    """Seven sold orders, two of them at one moment; chunks of two; a budget."""
    monkeypatch.setattr(backtesting, "CHUNK", 2)
    for n in (0, 1, 1, 2, 3, 4, 5):
        sold({"TEA": 1, "CUP": n + 1}, now=NOON - n * DAY)
    budget = Budget.objects.create(name="b", amount_minor=9_000)
    return draft(dana, budget_id=budget.pk)


def found_of(backtest) -> dict:
    backtest.refresh_from_db()
    return backtest.found


@pytest.mark.parametrize("chunks", [1, 2, 3])
def test_a_killed_job_goes_on_after_its_last_chunk(seven, dana, monkeypatch, chunks):
    whole = run(seven, dana)
    asked = ask(seven, dana)
    replay_chunk, calls = backtesting.replay_chunk, []

    killed = killed_after(replay_chunk, chunks=chunks, calls=calls)
    monkeypatch.setattr("campaigns.jobs.replay_chunk", killed)
    with pytest.raises(KeyboardInterrupt):
        run_job(asked.job_id)
    part = found_of(asked)
    assert part["orders"] == 2 * chunks
    assert not asked.is_done
    Job.objects.filter(pk=asked.job_id).update(heartbeat_at=NOON - 365 * DAY)
    run_job(asked.job_id)
    assert found_of(asked) == whole.found != part
    assert (asked.is_done, asked.job.done) == (True, 7)
    assert len(calls) == chunks + 1 + (4 - chunks) + 1


def test_cancelled_it_keeps_what_it_has_and_goes_on_when_asked(
    seven, dana, monkeypatch
):
    asked = ask(seven, dana)
    replay_chunk = backtesting.replay_chunk

    cancelling = cancelled_in(replay_chunk, job_id=asked.job_id)
    monkeypatch.setattr("campaigns.jobs.replay_chunk", cancelling)
    run_job(asked.job_id)
    assert found_of(asked)["orders"] == 2
    asked = Backtest.objects.get(pk=asked.pk)
    assert (asked.state, asked.is_done) == ("cancelled", False)
    monkeypatch.setattr("campaigns.jobs.replay_chunk", replay_chunk)
    retry_job(job_id=asked.job_id, actor=dana, now=NOON)
    run_job(asked.job_id)
    assert found_of(asked) == run(seven, dana).found


def test_a_draft_that_is_thrown_away_takes_its_back_tests_along(seven, dana):
    asked = ask(seven, dana)
    discard_draft(promotion_id=seven.pk, actor=dana, now=NOON)
    assert not Backtest.objects.exists()
    run_job(asked.job_id)
    job = Job.objects.get()
    assert (job.state, job.error) == ("failed", "The draft was thrown away.")


def test_a_chunk_takes_as_many_statements_whatever_it_holds(seven, dana, monkeypatch):
    counts = []
    for size in (2, 7):
        monkeypatch.setattr(backtesting, "CHUNK", size)
        asked = Backtest.objects.select_related("promotion").get(pk=ask(seven, dana).pk)
        replaying = backtesting.Replaying.of(asked)
        with CaptureQueriesContext(connection) as caught:
            count, _after = backtesting.replay_chunk(
                backtest_id=asked.pk, after=None, replaying=replaying
            )
        assert count == size
        counts.append(len(caught))
        cancel_job(job_id=asked.job_id, actor=dana, now=NOON)
    assert counts[0] == counts[1] <= 6


def test_offers_of_the_past_are_made_once_a_set_of_terms(dana, monkeypatch):
    live(dana)
    for _ in range(3):
        sold({"TEA": 1})
    asked = Backtest.objects.select_related("promotion").get(
        pk=ask(draft(dana), dana).pk
    )
    replaying = backtesting.Replaying.of(asked)
    backtesting.replay_chunk(backtest_id=asked.pk, after=None, replaying=replaying)
    assert len(replaying._made) == 1


# --- Asking for one -------------------------------------------------------------------


def test_asking_is_written_down_and_asking_again_shows_the_same(dana):
    promotion = draft(dana)
    first = ask(promotion, dana)
    assert ask(promotion, dana).pk == first.pk
    assert ask(promotion, dana, days=30).pk != first.pk
    entries = AuditEntry.objects.filter(action="campaigns.backtest.start")
    assert [each.detail for each in entries.order_by("pk")] == [
        {"promotion": promotion.public_id, "days": days} for days in (7, 30)
    ]
    assert (first.since.isoformat(), first.until) == (
        "2026-11-15T16:00:00+00:00",
        NOON + DAY,
    )


def test_asked_by_many_at_once_it_is_one(transactional_db, dana):
    promotion = draft(dana)
    found = at_once([lambda: ask(promotion, dana).pk] * 8)
    assert len(set(found)) == 1
    assert (Backtest.objects.count(), Job.objects.count()) == (1, 1)


def test_other_spans_and_nonsense_are_refused_and_write_nothing(dana):
    promotion = draft(dana)
    with pytest.raises(SpanNotOffered):
        ask(promotion, dana, days=365)
    Promotion.objects.update(recipe={"gives": {}})
    with pytest.raises(RecipeInvalid):
        ask(promotion, dana)
    with pytest.raises(Promotion.DoesNotExist):
        order_backtest(promotion_id=0, days=7, actor=dana, now=NOON)
    assert not Backtest.objects.exists()
    assert not Job.objects.exists()


def test_members_leave_no_trace_in_it(dana):
    member = make_member(77, name="王静", phone="+8613800001234")
    sold({"TEA": 1}, member=member)
    found = run(draft(dana), dana)
    assert member.public_id not in str(found.found)
    assert member.number not in str(found.found)
