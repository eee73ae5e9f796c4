"""Stories of free deliveries by a benefit: quoted, used with the order, given back."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import Promotion, Segment, SegmentMember
from crm.shared.outbox import drain
from loyalty.models import BenefitSanction, BenefitTally, BenefitUse
from loyalty.services.buying_benefits import buy_use
from loyalty.services.using_benefits import BenefitUsedUp, use_benefit
from orders.models import Cart, FreightRule
from orders.rules.offers import Applied, Stage
from orders.services.cancelling import cancel_order
from orders.services.checkout import CartTotalChanged, place_order
from orders.services.quoting import offer_sources, quote_cart
from tests.campaigns.recipes import of_kind
from tests.cast import NOON, make_variant
from tests.faults.callers import at_once
from tests.loyalty.catalogue import make_benefit, put_in_tier
from tests.orders.shop import fill_cart, pay, place

pytestmark = pytest.mark.django_db
FEE = 800


@pytest.fixture
def tea(db):
    FreightRule.objects.create(name="all", first_minor=FEE)
    return make_variant("TEA", 5_000)


def make_free(*grants: dict, **fields):
    return make_benefit("freight", *grants, kind="free_freight", **fields)


def cart_of(member) -> Cart:
    return fill_cart({"TEA": 1}, member=member)


def quote_of(member):
    return quote_cart(cart=cart_of(member), now=NOON)


def used() -> list[tuple[int, int]]:
    rows = BenefitTally.objects.order_by("pk").values_list("used", "bought")
    return list(rows)


# --- The quote ----------------------------------------------------------------


def test_s19_a_free_delivery_takes_the_freight_and_nothing_else(alice, tea):
    make_free({"quota": 2})
    quote = quote_of(alice)
    (applied,) = quote.applied
    assert (applied.source_kind, applied.amount_minor) == ("benefit", FEE)
    assert (quote.freight_minor, quote.freight_discount_minor) == (0, FEE)
    assert (quote.discount_minor, quote.total_minor) == (0, 5_000)
    (step,) = [each for each in quote.trace if each.get("kind") == "benefit"]
    assert (step["result"], step["left"], step["until"]) == (
        "applied",
        2,
        "2026-11-30",
    )
    assert not BenefitTally.objects.exists(), "a quote counts nothing"


def test_s25_used_up_the_trace_says_until_when(alice, tea):
    make_free({"quota": 1})
    use_benefit(benefit="freight", member_id=alice.pk, source="test:1", now=NOON)
    quote = quote_of(alice)
    (refused,) = quote.refused
    assert (refused.why.code, refused.why.params) == (
        "benefit_used_up",
        {"until": "2026-11-30"},
    )
    assert quote.freight_minor == FEE


@pytest.mark.parametrize(
    ("_case", "grants", "is_free"),
    [
        ("for everybody", [{}], True),
        ("for a tier held", [{"audience": "tier:gold", "quota": 1}], True),
        ("for another tier", [{"audience": "tier:silver"}], False),
        ("for a plan not held", [{"audience": "plan:plus"}], False),
        ("for a segment", [{"audience": "segment:tea"}], True),
        ("no quota at all", [{"quota": 0}], False),
        ("T18 the better of two", [{"quota": 0}, {"quota": 1}], True),
        (
            "a condition that holds not",
            [{"condition": {"field": "loyalty.orders", "is": "gte", "value": 9}}],
            False,
        ),
    ],
)
def test_t18_who_has_one_is_who_it_is_granted(alice, tea, _case, grants, is_free):
    put_in_tier(alice, "gold")
    segment = Segment.objects.create(code="tea", name="Tea")
    SegmentMember.objects.create(segment=segment, member=alice, since=NOON)
    make_free(*grants)
    assert quote_of(alice).freight_minor == (0 if is_free else FEE)


def test_a_sanction_takes_it_away_and_a_bought_use_is_one_more(alice, tea):
    benefit = make_free({"audience": "tier:gold"})
    assert quote_of(alice).freight_minor == FEE
    buy_use(benefit_id=benefit.pk, member_id=alice.pk, now=NOON)
    assert quote_of(alice).freight_minor == 0
    BenefitSanction.objects.create(
        benefit=benefit, member=alice, reason="x", actor="x", starts_at=NOON
    )
    assert quote_of(alice).freight_minor == FEE


def test_of_several_the_one_without_a_quota_is_used_first(alice, tea):
    make_free({"quota": 3})
    always = make_benefit("always", {}, kind="free_freight")
    (applied,) = quote_of(alice).applied
    assert applied.source_id == always.public_id


def test_s20_where_delivery_is_free_already_no_use_is_spent(alice, tea):
    make_free({"quota": 1})
    Promotion.objects.create(
        name="free",
        state=Promotion.State.LIVE,
        **of_kind("free_freight", {"percent_bp": 10_000}),
        starts_at=NOON - timedelta(days=1),
    )
    quote = quote_of(alice)
    assert [each.source_kind for each in quote.applied] == ["promotion"]
    (why,) = [e.why for e in quote.refused if e.source_kind == "benefit"]
    assert why.code == "no_effect"
    place(cart_of(alice))
    assert not BenefitUse.objects.exists()


def test_a_visitor_pays_and_what_is_not_sent_asks_nobody(tea, alice):
    make_free({})
    assert quote_of(None).freight_minor == FEE
    make_variant("CARD", 5_000, kind="gift_card")
    cart = fill_cart({"CARD": 1}, member=alice)
    quote_cart(cart=cart, now=NOON)
    with CaptureQueriesContext(connection) as captured:
        quote_cart(cart=cart, now=NOON)
    assert len(captured) == 2, "one of orders, one of campaigns"


def test_a_quote_takes_three_statements_with_a_free_delivery_or_without(alice, tea):
    """Only grants by segment or condition ask more: those of every benefit."""
    counts = []
    put_in_tier(alice, "gold")
    quote_of(alice)
    for code, grant in (("", {}), ("gold", {"audience": "tier:gold"}), ("all", {})):
        if code:
            make_benefit(code, grant, kind="free_freight")
        cart = cart_of(alice)
        with CaptureQueriesContext(connection) as captured:
            quote_cart(cart=cart, now=NOON)
        counts.append(len(captured))
    assert counts == [3, 3, 3]


# --- The order ----------------------------------------------------------------


def test_x5_the_use_is_counted_with_the_order_and_comes_back_with_it(alice, tea):
    make_free({"quota": 1})
    order = place(cart_of(alice))
    use = BenefitUse.objects.get()
    assert (order.freight_minor, use.source, use.saved_minor) == (
        0,
        f"order:{order.public_id}",
        FEE,
    )
    assert used() == [(1, 0)]
    assert order.offers.get().terms == {"code": "freight"}
    assert quote_of(alice).freight_minor == FEE

    cancel_order(order_id=order.pk, actor="member", reason="", now=NOON)
    drain(now=NOON)

    use.refresh_from_db()
    assert (use.state, used()) == ("returned", [(0, 0)])
    assert quote_of(alice).freight_minor == 0


def test_a_paid_order_keeps_its_use(alice, tea):
    make_free({"quota": 1})
    pay(place(cart_of(alice)))
    drain(now=NOON)
    assert used() == [(1, 0)]


def test_s27_used_meanwhile_the_cart_costs_something_else(alice, tea):
    make_free({"quota": 1})
    first, second = cart_of(alice), cart_of(alice)
    quote = quote_cart(cart=second, now=NOON)
    place(first)
    with pytest.raises(CartTotalChanged) as changed:
        place_order(cart_id=second.pk, quote_hash=quote.hash, now=NOON)
    assert changed.value.quote.total_minor == 5_000 + FEE


def test_x5_a_claim_of_a_use_that_is_gone_is_refused(alice, tea):
    benefit = make_free({"quota": 1})
    order = place(fill_cart({"TEA": 1}, member=alice))
    source = next(each for each in offer_sources() if each.source_kind == "benefit")
    other = place(fill_cart({"TEA": 1}, member=alice))
    applied = Applied(
        stage=Stage.FREIGHT,
        source_kind="benefit",
        source_id=benefit.public_id,
        name="x",
        amount_minor=FEE,
        shares=(),
        terms={"code": "freight"},
    )
    source.claim(applied, order_id=order.pk, now=NOON)
    assert used() == [(1, 0)], "X1"
    with pytest.raises(BenefitUsedUp):
        source.claim(applied, order_id=other.pk, now=NOON)


@pytest.mark.django_db(transaction=True)
def test_x5_of_many_orders_at_once_as_many_are_free_as_there_are_uses(alice, tea):
    make_free({"quota": 2})
    carts = [cart_of(alice) for _ in range(6)]
    quotes = [quote_cart(cart=cart, now=NOON) for cart in carts]

    answers = at_once(
        [
            lambda cart=cart, quote=quote: place_order(
                cart_id=cart.pk, quote_hash=quote.hash, now=NOON
            )
            for cart, quote in zip(carts, quotes, strict=True)
        ]
    )

    placed = [each for each in answers if not isinstance(each, Exception)]
    assert len(placed) == 2
    assert {each.freight_minor for each in placed} == {0}
    assert {type(e) for e in answers if isinstance(e, Exception)} == {CartTotalChanged}
    assert used() == [(2, 0)]
