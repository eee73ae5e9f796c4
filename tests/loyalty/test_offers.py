from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction

from crm.shared.models import Fact
from crm.shared.outbox import drain
from loyalty.models import (
    PointsAccount,
    PointsEntry,
    PointsHold,
    PointsLot,
    Program,
    Tier,
)
from loyalty.offers import PointsOffer, PointsOffers
from loyalty.services.adjusting import grant_points
from loyalty.services.freezing import freeze_account
from loyalty.services.posting import NotEnoughPoints
from loyalty.services.verification import verify_ledger
from loyalty.subscribers import (
    earn_points_for_order,
    open_account,
    release_points_of_order,
)
from orders.models import Cart
from orders.models import FreightRule as FreightRuleRow
from orders.rules.freight import FreightRule
from orders.rules.lines import PriceLine, StageLine
from orders.rules.offers import Applied, PriceRequest, Reduction, Refused, Stage
from orders.rules.pricing import price_cart
from orders.services.refunding import refund_order
from orders.services.returning import send_due_refunds
from orders.services.stating import refund_statement
from tests.cast import NOON, make_variant
from tests.loyalty.books import account_of, assert_sound, ledger, paid_order
from tests.orders.shop import fill_cart, pay, place


def line(position, price, kind="goods"):
    return PriceLine(position, 1, 1, None, f"S{position}", "Thing", kind, 1, price)


def entering(*lines):
    return [StageLine(each, each.gross_minor) for each in lines]


def offer(**changed):
    terms = {
        "requested": 1_000,
        "available": 5_000,
        "share_bp": 5_000,
        "step": 100,
        "minor_per_100": 100,
        "name": "Points",
    } | changed
    return PointsOffer(**terms)


def request(member, points, **more):
    return PriceRequest(
        lines=(line(1, 10_000),),
        currency="CNY",
        now=NOON,
        member_id=member.pk if member else None,
        points_to_spend=points,
        **more,
    )


def applied(points):
    return Applied(
        stage=Stage.POINTS,
        source_kind="points",
        source_id="points",
        name="Points",
        amount_minor=points,
        shares=((1, points),),
        points=points,
    )


def test_p22_points_reduce_goods_only():
    reduction = offer().reduce(
        entering(line(1, 1_000), line(2, 9_000, "gift_card"), line(3, 500))
    )

    assert isinstance(reduction, Reduction)
    assert (reduction.amount_minor, reduction.points) == (700, 700), "half of 15.00"
    assert reduction.positions == (1, 3), "P23"


@pytest.mark.parametrize("plans", [False, True])
@pytest.mark.parametrize("gift_cards", [False, True])
@pytest.mark.parametrize("freight", [False, True])
def test_p23_points_pay_goods_and_what_the_program_allows_besides(
    rich, freight, gift_cards, plans
):
    """Freight, gift cards and plan fees, each by its own switch (P23)."""
    grant_points(
        member_id=rich.pk,
        points=20_000,
        reason="more",
        actor="test",
        source="test:2",
        now=NOON,
    )
    Program.objects.update(
        redeem_max_bp=10_000,
        redeem_step=1,
        redeems_freight=freight,
        redeems_gift_cards=gift_cards,
        redeems_plans=plans,
    )
    lines = (line(1, 1_000), line(2, 2_000, "gift_card"), line(3, 4_000, "plan"))
    asked = replace(request(rich, 20_000), lines=lines)
    offers, _refused = PointsOffers().offers_for(asked)

    quote = price_cart(asked, offers, freight=FreightRule(800))

    nets = {each.line.position: each.net_minor for each in quote.lines}
    assert nets == {
        1: 0,
        2: 0 if gift_cards else 2_000,
        3: 0 if plans else 4_000,
    }
    assert quote.freight_minor == (0 if freight else 800)
    (applied,) = quote.applied
    paid = 1_000 + 800 * freight + 2_000 * gift_cards + 4_000 * plans
    assert applied.amount_minor == applied.points == paid
    of_lines = sum(points for _at, points in applied.point_shares)
    assert (of_lines, applied.charge_points) == (paid - 800 * freight, 800 * freight)


def test_p23_nothing_is_allowed_before_somebody_allows_it(db):
    program = Program.objects.get()
    assert not program.redeems_freight
    assert not program.redeems_gift_cards
    assert not program.redeems_plans


@pytest.fixture
def paid_with_points(rich):
    """Return an order of 12.00 with freight of 4.00, half of it paid by points."""
    Program.objects.update(redeems_freight=True)
    FreightRuleRow.objects.create(name="all", first_minor=400)
    make_variant("TEA", 1_200)
    cart = fill_cart({"TEA": 1}, member=rich)
    Cart.objects.filter(pk=cart.pk).update(points_to_spend=800)
    order = place(Cart.objects.get(pk=cart.pk))
    pay(order)
    drain(now=NOON)
    order.refresh_from_db()
    return order


def give_back(order, *, freight, key):
    refund = refund_order(
        order_id=order.pk,
        items={1: 1},
        reason="not wanted",
        actor="dana",
        request_key=key,
        freight=freight,
        now=NOON,
    )
    send_due_refunds(now=NOON)
    drain(now=NOON)
    refund.refresh_from_db()
    return refund


def test_p23_p20_points_of_the_freight_go_back_with_the_freight(rich, paid_with_points):
    order = paid_with_points
    assert (order.total_minor, order.freight_minor, order.points_spent) == (
        800,
        200,
        800,
    )
    assert order.lines.get().allocations.get().points == 600
    refund = give_back(order, freight=None, key="one")
    assert (refund.amount_minor, refund.points_returned, refund.freight_points) == (
        800,
        800,
        200,
    )
    assert refund_statement(refund_id=refund.pk).adds_up, "R22"
    assert account_of(rich).balance == 800
    assert verify_ledger().findings == ()
    assert_sound()


def test_p23_r5_where_the_freight_stays_its_points_stay(rich, paid_with_points):
    refund = give_back(paid_with_points, freight=False, key="one")
    assert (refund.amount_minor, refund.points_returned, refund.freight_points) == (
        600,
        600,
        0,
    )
    assert account_of(rich).balance == 600
    assert_sound()


@pytest.mark.parametrize(
    ("_case", "changed", "code"),
    [
        ("none there", {"available": 99}, "insufficient_points"),
        ("fewer than a step asked", {"requested": 99}, "points_below_step"),
        ("points may pay nothing", {"share_bp": 0}, "points_share_reached"),
        (
            "fewer than the minimum",
            {"requested": 100, "least": 150},
            "points_below_minimum",
        ),
    ],
)
def test_p22_below_one_step_nothing_is_taken(_case, changed, code):
    refused = offer(**changed).reduce(entering(line(1, 1_000)))
    assert isinstance(refused, Refused)
    assert refused.code == code


@pytest.fixture
def rich(alice):
    grant_points(
        member_id=alice.pk,
        points=800,
        reason="welcome",
        actor="test",
        source="test:1",
        now=NOON,
    )
    return alice


def test_the_source_offers_what_the_member_has(rich):
    Program.objects.update(redeem_max_bp=2_500)
    (found,), refused = PointsOffers().offers_for(request(rich, 300))
    assert (found.requested, found.available, found.share_bp) == (300, 800, 2_500)
    assert refused == []


def test_p22_the_program_bounds_the_points_of_an_order(rich):
    Program.objects.update(redeem_min_points=250, redeem_max_points=300)
    (found,), _refused = PointsOffers().offers_for(request(rich, 700))
    assert found.reduce(entering(line(1, 10_000))).points == 300
    (found,), _refused = PointsOffers().offers_for(request(rich, 200))
    refused = found.reduce(entering(line(1, 10_000)))
    assert (refused.code, refused.params["step"]) == ("points_below_minimum", 300)


@pytest.mark.parametrize("points", [0, -5])
def test_nothing_asked_nothing_offered(rich, points, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert PointsOffers().offers_for(request(rich, points)) == ([], [])


def test_visitors_have_no_points(db):
    assert PointsOffers().offers_for(request(None, 100)) == ([], [])


def test_s1_a_member_belongs_to_members_and_to_the_tier_held(
    rich, bob, django_assert_num_queries
):
    tier = Tier.objects.order_by("threshold_minor").last()
    PointsAccount.objects.filter(member=rich).update(tier=tier)
    source = PointsOffers()
    asked = request(rich, 300)
    with django_assert_num_queries(1):
        assert source.audiences(asked) == {f"tier:{tier.code}"}
        source.offers_for(asked)
    assert PointsOffers().audiences(request(None, 0)) == frozenset()
    assert PointsOffers().audiences(request(bob, 0)) == frozenset(), "no account yet"


def test_the_tiers_above_are_within_reach_the_next_one_first(
    rich, django_assert_num_queries
):
    ladder = list(Tier.objects.order_by("threshold_minor"))
    marks = [(f"tier:{tier.code}", tier.label) for tier in ladder]
    PointsAccount.objects.filter(member=rich).update(tier=ladder[1])
    with django_assert_num_queries(2):
        assert PointsOffers().reachable(request(rich, 0)) == marks[2:]
    PointsAccount.objects.filter(member=rich).update(tier=ladder[-1])
    assert PointsOffers().reachable(request(rich, 0)) == []
    assert PointsOffers().reachable(request(None, 0)) == []


def test_p18_in_debt_nothing_can_be_spent(rich):
    PointsAccount.objects.filter(member=rich).update(debt=1)
    (found,), _ = PointsOffers().offers_for(request(rich, 300))
    assert found.available == 0


def test_p10_lots_that_ended_or_have_not_begun_do_not_count(rich):
    PointsLot.objects.update(expires_at=NOON)
    (found,), _ = PointsOffers().offers_for(request(rich, 300))
    assert found.available == 0
    PointsLot.objects.update(expires_at=None, active_at=NOON + timedelta(seconds=1))
    (found,), _ = PointsOffers().offers_for(request(rich, 300))
    assert found.available == 0


def test_p14_frozen_points_are_refused_with_a_reason(rich):
    freeze_account(member_id=rich.pk, reason="odd", actor="test", now=NOON)
    offers, ((_, _, why),) = PointsOffers().offers_for(request(rich, 100))
    assert (offers, why.code) == ([], "points_frozen")


def test_p13_claim_reserves_and_payment_spends(rich):
    order = paid_order(rich, 9_700, discount_minor=300, points_spent=300)

    PointsOffers().claim(applied(300), order_id=order.pk, now=NOON)
    assert account_of(rich).available == 500
    earn_points_for_order({"order_id": order.pk}, fact=Fact(), now=NOON)

    assert ledger(rich) == [
        ("grant", 800, 800),
        ("spend", -300, 500),
        ("earn", 97, 597),
    ]
    assert PointsHold.objects.get().state == "captured"
    assert_sound()


def test_c6_an_order_that_asks_again_finds_its_own_hold(rich):
    order = paid_order(rich, 9_700, points_spent=800)
    PointsOffers().claim(applied(800), order_id=order.pk, now=NOON)

    (found,), _ = PointsOffers().offers_for(request(rich, 800, order_id=order.pk))
    (other,), _ = PointsOffers().offers_for(request(rich, 800))

    assert (found.available, other.available) == (800, 0)


def test_p12_a_claim_of_spent_points_is_refused_whole(rich):
    order = paid_order(rich, 9_700)
    with pytest.raises(NotEnoughPoints), transaction.atomic():
        PointsOffers().claim(applied(900), order_id=order.pk, now=NOON)
    assert not PointsHold.objects.exists()
    assert account_of(rich).held == 0


def test_a_cancelled_order_frees_its_points(rich):
    order = paid_order(rich, 9_700)
    PointsOffers().claim(applied(300), order_id=order.pk, now=NOON)

    for _ in range(2):
        release_points_of_order({"order_id": order.pk}, fact=Fact(), now=NOON)

    assert account_of(rich).available == 800
    assert PointsEntry.objects.count() == 1


def test_joining_opens_an_account_in_the_lowest_tier(bob):
    for _ in range(2):
        open_account({"member_id": bob.pk}, fact=Fact(), now=NOON)
    account = account_of(bob)
    assert (account.tier.code, account.tier_since, account.balance) == (
        "member",
        NOON,
        0,
    )


def test_an_account_opened_later_keeps_what_was_earned_before(bob):
    earn_points_for_order(
        {"order_id": paid_order(bob, 60_000).pk}, fact=Fact(), now=NOON
    )
    open_account({"member_id": bob.pk}, fact=Fact(), now=NOON + timedelta(seconds=1))
    assert (account_of(bob).balance, account_of(bob).tier.code) == (600, "silver")
