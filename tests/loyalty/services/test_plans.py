"""Paid plans by story: they begin, go on, are not paid, pause, change, come back."""

from datetime import date, timedelta

import pytest

from crm.shared.models import AuditEntry, Fact
from crm.shared.outbox import drain
from loyalty.merging import BothHavePlans, LoyaltyMerger
from loyalty.models import (
    BenefitUse,
    PointsAccount,
    PointsEntry,
    Program,
    Subscription,
    SubscriptionMove,
    SubscriptionPeriod,
)
from loyalty.queries.plans import plan_then, renewals_ahead, saved_so_far, start_of
from loyalty.services import renewing
from loyalty.services.adjusting import grant_points
from loyalty.services.changing_plans import (
    ChangeOutdated,
    SamePlan,
    change_plan,
    preview_change,
)
from loyalty.services.earning import earn_for_order
from loyalty.services.ending_plans import (
    cancel_plan,
    end_plan_now,
    keep_plan,
    settle_plan_refund,
)
from loyalty.services.moving_plans import NoPlan, PlanStateRefused
from loyalty.services.pausing import PlanNotPausable, pause_plan, resume_plan
from loyalty.services.paying_plans import pay_plan_with
from loyalty.services.plan_deeds import NoReasonForDeed, do_to_plan
from loyalty.services.posting import open_accounts
from loyalty.services.renewing import renew_due
from loyalty.services.subscribing import (
    AlreadySubscribed,
    MayNotSubscribe,
    NoTrial,
    UnknownPlan,
    settle_paid_plans,
    start_trial,
)
from loyalty.services.using_benefits import return_use, use_benefit
from members.services.instruments import UnknownInstrument, remove_instrument
from members.services.movers import MergeCase
from orders.merging import ORDERS
from orders.models import Order, Payment, Refund, Variant
from orders.models.prices import Price
from orders.providers.test import TestProvider
from orders.services.cancelling import release_unpaid
from orders.services.carts import add_item, create_cart
from orders.services.charging import CannotCharge
from orders.services.checkout import place_order
from orders.services.quoting import quote_cart
from orders.services.refunding import (
    complete_refund,
    quote_refund,
    refund_order,
)
from orders.services.stating import refund_statement
from tests.cast import make_member, make_variant, put_in_state
from tests.loyalty.books import paid_order
from tests.loyalty.catalogue import make_benefit
from tests.loyalty.plans import (
    bind_card,
    buy_plan,
    make_plan,
    noon,
    order_plan,
    pay,
    plan_of,
)

JUNE = date(2026, 6, 1)
JULY = date(2026, 7, 1)


@pytest.fixture(autouse=True)
def fresh_gateway(monkeypatch):
    """Begin with a gateway that remembers nothing and works."""
    for name, value in [
        *(("given_back", {}), ("charged", {}), ("outcomes", {}), ("outages", 0)),
        *(("declines", False), ("refuses", False)),
    ]:
        monkeypatch.setattr(TestProvider, name, value)


@pytest.fixture
def tea(db):
    """Return a plan at 30.00 a month with a trial of a week."""
    return make_plan(trial_days=7, multiplier_bp=20_000)


@pytest.fixture
def wine(db):
    """Return a dearer plan."""
    return make_plan("wine", 6_000)


def kinds(member) -> list[str]:
    """Return what happened to all subscriptions of a member, in order."""
    moves = SubscriptionMove.objects.filter(subscription__member=member)
    return list(moves.order_by("id").values_list("kind", flat=True))


def facts(name: str) -> list[dict]:
    rows = Fact.objects.filter(name=f"loyalty.{name}").order_by("id")
    return list(rows.values_list("payload", flat=True))


def night(day: date) -> int:
    """Let the nightly round run on a day, and deliver its news."""
    looked = renew_due(now=noon(day))
    drain(now=noon(day))
    return looked


# --- Begin and go on ----------------------------------------------------------


def test_a_paid_order_starts_a_plan_and_is_done(alice, tea):
    order = buy_plan(alice, tea, JUNE)

    held = plan_of(alice)
    assert (held.state, held.ends_on) == ("active", JULY)
    assert held.due_at == start_of(JULY)
    assert held.price_minor == 3_000
    assert [row.amount_minor for row in held.periods.all()] == [3_000]
    order.refresh_from_db()
    assert order.state == Order.State.COMPLETED
    assert facts("PlanStarted") == [
        {
            "member_id": alice.pk,
            "subscription_id": held.pk,
            "plan_code": "tea",
            "is_trial": False,
        }
    ]


def test_p5_plan_fees_earn_no_points(alice, tea):
    buy_plan(alice, tea, JUNE)

    assert not PointsEntry.objects.filter(account_id=alice.pk, points__gt=0).exists()


def test_p23_points_do_not_pay_plan_fees(alice, tea):
    """P23: the offer of points sees goods only."""
    order = order_plan(alice, tea, JUNE)

    assert (order.points_spent, order.total_minor, order.freight_minor) == (0, 3_000, 0)


def test_x2_news_of_a_payment_twice_give_days_once(alice, tea):
    order = buy_plan(alice, tea, JUNE)

    assert settle_paid_plans(order_id=order.pk, now=noon(JUNE)) == []

    assert plan_of(alice).periods.count() == 1


def test_x2_late_news_begin_with_the_day_of_the_payment(alice, tea):
    order = order_plan(alice, tea, JUNE)
    pay(order, JUNE)

    settle_paid_plans(order_id=order.pk, now=noon(JUNE + timedelta(days=9)))

    assert (plan_of(alice).started_on, plan_of(alice).ends_on) == (JUNE, JULY)


def test_buying_again_goes_on_where_the_days_end(alice, tea):
    buy_plan(alice, tea, date(2026, 1, 31))
    buy_plan(alice, tea, date(2026, 2, 3))

    held = plan_of(alice)
    assert held.ends_on == date(2026, 3, 31)  # X4
    assert Subscription.objects.count() == 1
    assert len(facts("PlanRenewed")) == 1


def test_two_units_are_two_months(alice, tea):
    buy_plan(alice, tea, JUNE, units=2)

    assert plan_of(alice).ends_on == date(2026, 8, 1)


def test_a_trial_is_free_and_given_once(alice, tea):
    held = start_trial(member_id=alice.pk, plan="tea", period="month", now=noon(JUNE))

    assert (held.state, held.ends_on) == ("trial", date(2026, 6, 8))
    with pytest.raises(AlreadySubscribed):
        start_trial(member_id=alice.pk, plan="tea", period="month", now=noon(JUNE))
    end_plan_now(member_id=alice.pk, actor="dana", reason="test", now=noon(JUNE))
    with pytest.raises(NoTrial):
        start_trial(member_id=alice.pk, plan="tea", period="month", now=noon(JULY))


def test_a_trial_is_refused_to_the_frozen_and_of_plans_that_have_none(alice, tea, wine):
    with pytest.raises(NoTrial):
        start_trial(member_id=alice.pk, plan="wine", period="month", now=noon(JUNE))
    with pytest.raises(UnknownPlan):
        start_trial(member_id=alice.pk, plan="tea", period="quarter", now=noon(JUNE))
    put_in_state(alice, "frozen")
    with pytest.raises(MayNotSubscribe):
        start_trial(member_id=alice.pk, plan="tea", period="month", now=noon(JUNE))
    assert plan_of(alice) is None


def test_who_pays_during_the_trial_loses_no_day_of_it(alice, tea):
    start_trial(member_id=alice.pk, plan="tea", period="month", now=noon(JUNE))
    buy_plan(alice, tea, date(2026, 6, 3))

    held = plan_of(alice)
    assert (held.state, held.ends_on) == ("active", date(2026, 7, 8))


# --- Renewal and dunning ------------------------------------------------------


def test_a_renewal_charges_the_bound_card(alice, tea):
    buy_plan(alice, tea, JUNE)
    card = bind_card(alice, JUNE)
    pay_plan_with(member_id=alice.pk, way=card.public_id, now=noon(JUNE))

    assert night(date(2026, 6, 30)) == 0
    assert night(JULY) == 1

    held = plan_of(alice)
    assert (held.state, held.ends_on) == ("active", date(2026, 8, 1))
    assert list(TestProvider.charged.values()) == [3_000]
    assert (held.renewal, held.tried) == (None, 0)
    assert kinds(alice) == ["started", "lapsed", "paid"]


def test_a_renewal_keeps_the_agreed_price(alice, tea):
    buy_plan(alice, tea, JUNE)
    Variant.objects.filter(sku="PLAN-tea-month").update(price_minor=9_900)
    card = bind_card(alice, JUNE)
    pay_plan_with(member_id=alice.pk, way=card.public_id, now=noon(JUNE))

    night(JULY)

    assert list(TestProvider.charged.values()) == [3_000]
    assert plan_of(alice).price_minor == 3_000


def test_a_declined_card_is_tried_again_then_the_plan_ends(alice, tea):
    buy_plan(alice, tea, JUNE)
    card = bind_card(alice, JUNE, token="declined_1")  # noqa: S106
    pay_plan_with(member_id=alice.pk, way=card.public_id, now=noon(JUNE))

    tried = [night(JULY + timedelta(days=day)) for day in range(9)]

    assert tried == [1, 0, 0, 1, 0, 0, 1, 1, 0]
    assert plan_of(alice).state == "ended"
    assert [each["attempt"] for each in facts("PlanPaymentFailed")] == [1, 2, 3]
    assert facts("PlanPaymentFailed")[0]["reason"] == "declined"
    assert facts("PlanEnded")[0]["reason"] == "unpaid"
    order = Order.objects.get(lines__price_kind="plan")
    assert order.state == Order.State.CANCELLED
    assert order.payments.filter(state=Payment.State.FAILED).count() == 3
    assert TestProvider.charged == {}


def test_the_second_attempt_succeeds_and_no_day_is_lost(alice, tea):
    buy_plan(alice, tea, JUNE)
    card = bind_card(alice, JUNE)
    pay_plan_with(member_id=alice.pk, way=card.public_id, now=noon(JUNE))
    TestProvider.declines = True
    night(JULY)
    assert plan_of(alice).state == "grace"
    TestProvider.declines = False

    night(date(2026, 7, 4))

    assert plan_of(alice).ends_on == date(2026, 8, 1)
    assert len(TestProvider.charged) == 1


def test_an_outage_leaves_one_payment_that_is_charged_once(alice, tea):
    buy_plan(alice, tea, JUNE)
    card = bind_card(alice, JUNE)
    pay_plan_with(member_id=alice.pk, way=card.public_id, now=noon(JUNE))
    TestProvider.outages = 1

    night(JULY)
    assert (plan_of(alice).state, facts("PlanPaymentFailed")) == ("grace", [])
    night(date(2026, 7, 4))

    assert plan_of(alice).state == "active"
    order = Order.objects.get(lines__price_kind="plan")
    assert order.payments.count() == 1
    assert len(TestProvider.charged) == 1


def test_without_an_instrument_the_order_waits_for_the_member(alice, tea):
    buy_plan(alice, tea, JUNE)

    night(JULY)

    (told,) = facts("PlanPaymentFailed")
    assert told["reason"] == "nothing_bound"
    order = Order.objects.get(pk=told["order_id"])
    assert release_unpaid(now=noon(date(2026, 7, 5))) == 0
    assert order.payment_due_at == start_of(date(2026, 7, 8))
    pay(order, date(2026, 7, 5))
    drain(now=noon(date(2026, 7, 5)))
    assert (plan_of(alice).state, plan_of(alice).ends_on) == (
        "active",
        date(2026, 8, 1),
    )


def test_a_removed_card_is_a_failed_attempt(alice, tea):
    buy_plan(alice, tea, JUNE)
    card = bind_card(alice, JUNE)
    pay_plan_with(member_id=alice.pk, way=card.public_id, now=noon(JUNE))
    remove_instrument(member_id=alice.pk, instrument=card.public_id, now=noon(JUNE))

    night(JULY)

    assert facts("PlanPaymentFailed")[0]["reason"] == "cannot_charge"


def test_frozen_members_do_not_renew(alice, tea):
    buy_plan(alice, tea, JUNE)
    put_in_state(alice, "frozen")

    night(JULY)

    told = facts("PlanPaymentFailed")[0]
    assert (told["reason"], told["order_id"]) == ("member_not_active", None)


def test_only_ones_own_instrument_and_only_what_can_be_charged(alice, bob, tea):
    buy_plan(alice, tea, JUNE)
    card = bind_card(bob, JUNE)

    with pytest.raises(UnknownInstrument):
        pay_plan_with(member_id=alice.pk, way=card.public_id, now=noon(JUNE))
    mine = bind_card(alice, JUNE, token="tok_alice")  # noqa: S106
    type(mine).objects.filter(pk=mine.pk).update(verifier="elsewhere")
    with pytest.raises(CannotCharge):
        pay_plan_with(member_id=alice.pk, way=mine.public_id, now=noon(JUNE))


def test_paying_another_way_calls_the_renewal_off(alice, tea):
    buy_plan(alice, tea, JUNE)
    night(JULY)
    waiting = plan_of(alice).renewal

    buy_plan(alice, tea, date(2026, 7, 2))

    waiting.refresh_from_db()
    assert waiting.state == Order.State.CANCELLED
    assert (plan_of(alice).state, plan_of(alice).ends_on) == (
        "active",
        date(2026, 8, 1),
    )


def test_a_cancelled_plan_ends_with_its_last_day(alice, tea):
    buy_plan(alice, tea, JUNE)
    cancel_plan(member_id=alice.pk, actor="member", now=noon(JUNE))
    cancel_plan(member_id=alice.pk, actor="member", now=noon(JUNE))

    assert night(date(2026, 6, 30)) == 0
    assert plan_of(alice).state == "active"
    night(JULY)

    assert plan_of(alice).state == "ended"
    assert kinds(alice) == ["started", "cancelled", "ended"]
    assert not Order.objects.filter(lines__price_kind="plan").exists()


def test_a_cancellation_can_be_taken_back(alice, tea):
    buy_plan(alice, tea, JUNE)
    cancel_plan(member_id=alice.pk, actor="member", now=noon(JUNE))
    keep_plan(member_id=alice.pk, actor="member", now=noon(JUNE))

    night(JULY)

    assert plan_of(alice).state == "grace"


def test_cancelling_in_grace_ends_at_once_and_nobody_can_pay_any_more(alice, tea):
    buy_plan(alice, tea, JUNE)
    night(JULY)

    cancel_plan(member_id=alice.pk, actor="member", now=noon(JULY))

    assert plan_of(alice).state == "ended"
    assert plan_of(alice).renewal.state == Order.State.CANCELLED


def test_staff_end_a_plan_for_a_reason(alice, tea):
    buy_plan(alice, tea, JUNE)

    told = {"subscription_id": plan_of(alice).pk, "deed": "end", "actor": "dana"}
    with pytest.raises(NoReasonForDeed):
        do_to_plan(**told, reason=" ", now=noon(JUNE))
    do_to_plan(**told, reason="fraud", now=noon(JUNE))
    assert AuditEntry.objects.get(action="plans.end").reason == "fraud"

    assert plan_of(alice).state == "ended"
    with pytest.raises(NoPlan):
        cancel_plan(member_id=alice.pk, actor="member", now=noon(JUNE))


# --- Pausing ------------------------------------------------------------------


def test_a_pause_keeps_the_days_after_today(alice, tea):
    buy_plan(alice, tea, JUNE)
    pause_plan(member_id=alice.pk, actor="member", now=noon(date(2026, 6, 10)))

    held = plan_of(alice)
    assert (held.state, held.kept_days, held.due_at) == ("paused", 20, None)
    assert night(date(2026, 9, 1)) == 0
    resume_plan(member_id=alice.pk, actor="member", now=noon(date(2026, 9, 1)))

    held = plan_of(alice)
    assert (held.state, held.ends_on) == ("active", date(2026, 9, 21))


def test_pausing_every_night_gains_nothing(alice, tea):
    buy_plan(alice, tea, JUNE)
    for day in range(9):
        on = JUNE + timedelta(days=day)
        pause_plan(member_id=alice.pk, actor="member", now=noon(on))
        resume_plan(
            member_id=alice.pk, actor="member", now=noon(on + timedelta(days=1))
        )

    assert plan_of(alice).ends_on == JULY


def test_days_bought_during_a_pause_are_kept_too(alice, tea):
    buy_plan(alice, tea, JUNE)
    pause_plan(member_id=alice.pk, actor="member", now=noon(date(2026, 6, 10)))
    buy_plan(alice, tea, date(2026, 6, 20))

    held = plan_of(alice)
    assert (held.state, held.kept_days) == ("paused", 20 + 31)


def test_x4_days_bought_in_a_pause_of_no_day_keep_the_day_of_the_month(alice, tea):
    on = date(2026, 1, 31)
    buy_plan(alice, tea, on)
    buy_plan(alice, tea, on)
    pause_plan(member_id=alice.pk, actor="member", now=noon(on))
    buy_plan(alice, tea, on)
    resume_plan(member_id=alice.pk, actor="member", now=noon(on))
    assert plan_of(alice).ends_on == date(2026, 4, 30)

    buy_plan(alice, tea, on)

    assert plan_of(alice).ends_on == date(2026, 5, 31)


def test_pauses_are_refused_on_trial_twice_and_where_the_plan_says_no(alice, bob, tea):
    start_trial(member_id=alice.pk, plan="tea", period="month", now=noon(JUNE))
    with pytest.raises(PlanStateRefused):
        pause_plan(member_id=alice.pk, actor="member", now=noon(JUNE))
    with pytest.raises(PlanStateRefused):
        resume_plan(member_id=alice.pk, actor="member", now=noon(JUNE))
    firm = make_plan("firm", may_pause=False)
    buy_plan(bob, firm, JUNE)
    with pytest.raises(PlanNotPausable):
        pause_plan(member_id=bob.pk, actor="member", now=noon(JUNE))


# --- Change -------------------------------------------------------------------


def test_an_upgrade_costs_the_price_less_the_unused_days(alice, tea, wine):
    buy_plan(alice, tea, JUNE)
    on = date(2026, 6, 16)
    planned = preview_change(
        member_id=alice.pk, plan="wine", period="month", now=noon(on)
    )
    assert (planned.change.credit_minor, planned.change.due_minor) == (1_500, 4_500)

    order = change_plan(
        member_id=alice.pk,
        plan="wine",
        period="month",
        expected_due_minor=4_500,
        now=noon(on),
    )
    assert order.total_minor == 4_500
    assert plan_of(alice).plan == tea
    pay(order, on)
    drain(now=noon(on))

    held = plan_of(alice)
    assert (held.plan, held.price_minor) == (wine, 6_000)
    assert (held.started_on, held.ends_on) == (on, planned.change.ends_on)
    (period,) = held.periods.all()
    assert (period.amount_minor, period.credit_minor) == (4_500, 1_500)
    assert kinds(alice) == ["started", "changed", "started"]
    assert facts("PlanEnded") == []


def test_a_downgrade_costs_nothing_and_the_rest_buys_days(alice, tea, wine):
    buy_plan(alice, wine, JUNE)
    order = change_plan(
        member_id=alice.pk,
        plan="tea",
        period="month",
        expected_due_minor=0,
        now=noon(date(2026, 6, 11)),
    )
    assert order.total_minor == 0
    drain(now=noon(date(2026, 6, 11)))

    held = plan_of(alice)
    # 40.00 credited: 30.00 for a month, 10.00 for ten more days.
    assert (held.plan, held.ends_on) == (tea, date(2026, 7, 21))


def test_a_change_is_refused_when_the_sum_is_another_one(alice, tea, wine):
    buy_plan(alice, tea, JUNE)
    with pytest.raises(ChangeOutdated):
        change_plan(
            member_id=alice.pk,
            plan="wine",
            period="month",
            expected_due_minor=1,
            now=noon(JUNE),
        )
    with pytest.raises(SamePlan):
        preview_change(member_id=alice.pk, plan="tea", period="month", now=noon(JUNE))
    assert not Order.objects.filter(lines__price_kind="planchange").exists()


def test_buying_another_plan_credits_all_days_of_the_first(alice, tea, wine):
    buy_plan(alice, tea, JUNE)
    buy_plan(alice, wine, date(2026, 6, 16))

    # 60.00 and 15.00 credited: a month and a quarter of its 30 days.
    assert plan_of(alice).ends_on == date(2026, 7, 23)


def test_a_change_paid_after_its_credit_is_gone_buys_what_it_paid_for(alice, tea, wine):
    paid = buy_plan(alice, tea, JUNE)
    order = change_plan(
        member_id=alice.pk,
        plan="wine",
        period="month",
        expected_due_minor=3_000,
        now=noon(JUNE),
    )
    refund(paid, JUNE)
    pay(order, JUNE)
    drain(now=noon(JUNE))

    held = plan_of(alice)
    assert (held.plan, held.ends_on) == (wine, date(2026, 6, 16))


# --- Refunds (R21) ------------------------------------------------------------


def refund(order: Order, on: date) -> Refund:
    row = refund_order(
        order_id=order.pk,
        items={1: 1},
        reason="test",
        actor="dana",
        request_key=f"test:{order.pk}:{on}",
        now=noon(on),
    )
    row.tenders.update(state="done")
    complete_refund(refund_id=row.pk, now=noon(on))
    drain(now=noon(on))
    return row


def test_r21_a_fee_is_refunded_to_the_day_and_the_plan_ends(alice, tea):
    order = buy_plan(alice, tea, JUNE)
    on = date(2026, 6, 10)
    quote = quote_refund(order_id=order.pk, items={1: 1}, now=noon(on))
    assert quote.amount_minor == 2_000  # Ten of thirty days are used, today included.
    codes = [effect.code for effect in quote.effects]
    assert codes[-2:] == ["plan_used", "plan_ends"]

    row = refund(order, on)

    assert row.amount_minor == 2_000
    assert [(d.kind, d.amount_minor) for d in row.deductions.all()] == [
        ("plan_used", 1_000)
    ]
    assert plan_of(alice).state == "ended"
    assert settle_plan_refund(refund_id=row.pk, now=noon(on)) == 0


def test_r21_what_the_plan_saved_goes_off(alice, tea):
    order = buy_plan(alice, tea, JUNE)
    cup = cheaper_cup()
    buy_cup(alice, cup, date(2026, 6, 5))

    quote = quote_refund(order_id=order.pk, items={1: 1}, now=noon(date(2026, 6, 10)))

    assert quote.amount_minor == 2_000 - 300
    assert saved_so_far(plan_of(alice), at=noon(date(2026, 6, 10))) == 300


def cheaper_cup() -> Variant:
    cup = make_variant("CUP", 1_000)
    for kind, audience, amount in [("list", "", 1_000), ("member", "plan:tea", 700)]:
        Price.objects.create(
            variant=cup,
            kind=kind,
            audience=audience,
            amount_minor=amount,
            starts_at=noon(date(2026, 5, 1)),
            created_at=noon(JUNE),
        )
    return cup


def test_r21_what_the_plan_saved_goes_off_once(alice, tea):
    order = buy_plan(alice, tea, JUNE, units=2)
    buy_cup(alice, cheaper_cup(), JUNE)
    on = date(2026, 6, 2)

    first = refund(order, on)
    second = quote_refund(order_id=order.pk, items={1: 1}, now=noon(on))

    days = period_of(order).days
    used = -(-6_000 * 2 // days)  # Two days of both months; a rounding apart.
    both = first.amount_minor + second.amount_minor
    assert 6_000 - used - 300 - 1 <= both <= 6_000 - used - 300 + 1


def period_of(order: Order) -> SubscriptionPeriod:
    return SubscriptionPeriod.objects.get(order_line__order=order)


@pytest.mark.parametrize(
    ("grants", "gone"),
    [
        ([{"audience": "plan:tea", "quota": 4}], 800),
        ([{"audience": "plan:tea"}, {"audience": ""}], 0),
        ([{"audience": "tier:member"}, {"audience": "plan:tea", "quota": 4}], 0),
    ],
)
def test_r21_benefits_that_only_the_plan_gave_go_off(alice, tea, grants, gone):
    make_benefit("freight", *grants, kind="free_freight")
    order = buy_plan(alice, tea, JUNE)
    use = use_benefit(
        benefit="freight",
        member_id=alice.pk,
        source="order:1",
        saved_minor=800,
        now=noon(date(2026, 6, 5)),
    )

    def goes_back() -> int:
        now = noon(date(2026, 6, 10))
        return quote_refund(order_id=order.pk, items={1: 1}, now=now).amount_minor

    assert goes_back() == 2_000 - gone
    return_use(benefit_use=use.public_id, actor="dana", reason="x", now=noon(JUNE))
    assert goes_back() == 2_000


def test_r21_points_of_the_plan_go_off_at_their_worth(alice, tea):
    Program.objects.update(redeem_minor_per_100=100)
    gift = {"audience": "plan:tea", "number": 500}
    make_benefit("drip", gift)
    order = buy_plan(alice, tea, JUNE)
    use = use_benefit(
        benefit="drip",
        member_id=alice.pk,
        source="test",
        now=noon(date(2026, 6, 5)),
    )
    BenefitUse.objects.filter(pk=use.pk).update(points=500)

    quote = quote_refund(order_id=order.pk, items={1: 1}, now=noon(date(2026, 6, 10)))

    assert quote.amount_minor == 2_000 - 500


def buy_cup(member, cup, on: date) -> None:
    cart = create_cart(member_id=member.pk, now=noon(on))
    add_item(cart_id=cart.pk, sku=cup.sku, quantity=1, now=noon(on))
    quote = quote_cart(cart=cart, now=noon(on))
    assert quote.lines[0].line.unit_price_minor == 700
    order = place_order(cart_id=cart.pk, quote_hash=quote.hash, now=noon(on))
    pay(order, on)
    drain(now=noon(on))


def test_r21_refunding_one_of_two_months_shortens_the_plan(alice, tea):
    buy_plan(alice, tea, JUNE)
    second = buy_plan(alice, tea, date(2026, 6, 2))

    row = refund(second, date(2026, 6, 3))

    assert row.amount_minor == 3_000
    held = plan_of(alice)
    assert (held.state, held.ends_on) == ("active", JULY)
    assert kinds(alice)[-1] == "refunded"


def test_r21_a_refund_before_its_payment_is_told_gives_no_days(alice, tea):
    """X2: the refund's news may be faster than the payment's."""
    order = order_plan(alice, tea, JUNE)
    pay(order, JUNE)
    row = refund_order(
        order_id=order.pk,
        items={1: 1},
        reason="test",
        actor="dana",
        request_key="test",
        now=noon(JUNE),
    )
    assert row.amount_minor == 3_000
    assert settle_plan_refund(refund_id=row.pk, now=noon(JUNE)) == 0

    assert settle_paid_plans(order_id=order.pk, now=noon(JUNE)) == []

    assert plan_of(alice) is None


@pytest.fixture
def rich(alice):
    """Return a member with 5,000 points, 100 a unit of money, that pay plan fees."""
    Program.objects.update(
        redeem_max_bp=10_000,
        redeem_step=1,
        redeem_minor_per_100=100,
        redeems_plans=True,
    )
    grant_points(
        member_id=alice.pk,
        points=5_000,
        reason="test",
        actor="test",
        source="test",
        now=noon(date(2026, 5, 1)),
    )
    return alice


@pytest.mark.parametrize(
    ("points", "on", "money_back", "points_back"),
    [
        (0, date(2026, 6, 10), 2_000, 0),
        (1_500, date(2026, 6, 10), 1_000, 1_000),
        (1_000, date(2026, 6, 20), 667, 334),
        (2_999, date(2026, 6, 29), 1, 100),
        (1_500, date(2026, 6, 30), 0, 0),
    ],
)
def test_r21_points_that_paid_a_fee_are_prorated_like_money(
    rich, tea, points, on, money_back, points_back
):
    """R21: of both so much stays as was used, and the parts add up (R22)."""
    order = buy_plan(rich, tea, JUNE, points=points)
    assert order.total_minor == 3_000 - points
    quote = quote_refund(order_id=order.pk, items={1: 1}, now=noon(on))
    assert (quote.amount_minor, quote.points) == (money_back, points_back)

    row = refund(order, on)

    assert (row.amount_minor, row.points_returned) == (money_back, points_back)
    assert row.points_kept == points - points_back
    assert refund_statement(refund_id=row.pk).adds_up
    account = PointsAccount.objects.get(member=rich)
    assert account.balance == 5_000 - points + points_back


def test_a_month_paid_with_points_is_worth_as_much_in_another_plan(rich, tea, wine):
    buy_plan(rich, tea, JUNE, points=1_500)

    change = preview_change(
        member_id=rich.pk, plan="wine", period="month", now=noon(date(2026, 6, 16))
    )

    assert change.change.credit_minor == 1_500


# --- What a plan gives --------------------------------------------------------


def test_t18_points_are_multiplied_by_the_better_of_tier_and_plan(alice, bob, tea):
    buy_plan(alice, tea, JUNE)
    for member in (alice, bob):
        order = paid_order(member, 10_000, at=noon(date(2026, 6, 5)))
        earn_for_order(order_id=order.pk, now=noon(date(2026, 6, 5)))

    earned = dict(
        PointsEntry.objects.filter(kind="earn", points__gt=0).values_list(
            "account_id", "points"
        )
    )
    assert earned == {alice.pk: 200, bob.pk: 100}


def test_p7_the_plan_of_the_moment_of_the_payment_counts(alice, tea):
    open_accounts(member_ids=[alice.pk], now=noon(JUNE))
    buy_plan(alice, tea, JUNE)
    pause_plan(member_id=alice.pk, actor="member", now=noon(date(2026, 6, 10)))

    def held(on: date):
        accounts = PointsAccount.objects.annotate(then=plan_then(at=noon(on)))
        return accounts.get(pk=alice.pk).then

    assert held(JUNE) is None  # The order that pays for it does not have it yet.
    assert held(date(2026, 6, 5)) == {"code": "tea", "multiplier_bp": 20_000}
    assert held(date(2026, 6, 11)) is None


def test_renewals_ahead_are_counted_by_day(alice, bob, tea):
    buy_plan(alice, tea, JUNE)
    buy_plan(bob, tea, date(2026, 6, 2))
    cancel_plan(member_id=bob.pk, actor="member", now=noon(date(2026, 6, 2)))

    ahead = renewals_ahead(today=date(2026, 6, 30), days=3)

    assert ahead == [
        (date(2026, 6, 30), 0, 0),
        (JULY, 1, 3_000),
        (date(2026, 7, 2), 0, 0),
    ]


def test_one_member_s_trouble_stops_no_other(alice, tea, monkeypatch):
    others = [make_member(100 + n) for n in range(2)]
    for member in others:
        buy_plan(member, tea, JUNE)
    real, first = renewing.renew_plan, plan_of(others[0]).pk

    def stumble(*, subscription_id, now):
        if subscription_id == first:
            raise ValueError("broken")
        return real(subscription_id=subscription_id, now=now)

    monkeypatch.setattr(renewing, "renew_plan", stumble)

    assert renew_due(now=noon(JULY)) == 1
    assert plan_of(others[1]).state == "grace"
    assert plan_of(others[0]).due_at == noon(JULY) + timedelta(hours=1)


def test_merging_moves_a_plan_and_two_plans_are_refused(alice, bob, tea, wine):
    buy_plan(alice, tea, JUNE)
    case = MergeCase(alice.pk, bob.pk, "merge:1", noon(JUNE))
    merger = LoyaltyMerger()

    moved = {"orders": {ORDERS.label: []}, "loyalty": merger.move(case)}
    assert plan_of(bob).plan == tea
    merger.give_back(case, moved)
    assert (plan_of(alice).plan, plan_of(bob)) == (tea, None)

    buy_plan(bob, wine, JUNE)
    with pytest.raises(BothHavePlans):
        merger.move(case)


def test_a_fee_that_is_used_up_gives_nothing_back(alice, tea):
    """R21: not below 0."""
    order = buy_plan(alice, tea, JUNE)

    row = refund(order, date(2026, 6, 30))

    assert row.amount_minor == 0
    assert plan_of(alice).state == "active"
