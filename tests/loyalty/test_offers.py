from datetime import timedelta

import pytest
from django.db import transaction

from crm.shared.models import Fact
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
from loyalty.subscribers import (
    earn_points_for_order,
    open_account,
    release_points_of_order,
)
from orders.rules.offers import (
    Applied,
    PriceLine,
    PriceRequest,
    Reduction,
    Refused,
    Stage,
    StageLine,
)
from tests.cast import NOON
from tests.loyalty.books import account_of, assert_sound, ledger, paid_order


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


@pytest.mark.parametrize(
    ("_case", "changed", "code"),
    [
        ("none there", {"available": 99}, "insufficient_points"),
        ("fewer than a step asked", {"requested": 99}, "points_below_step"),
        ("points may pay nothing", {"share_bp": 0}, "points_share_reached"),
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
