"""What a quote knows of buyer and gifts, and what it costs to know (C12, S17)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import Promotion as StoredPromotion
from campaigns.rules.benefits import Amount, FreeItem
from campaigns.rules.conditions import (
    Carries,
    Every,
    NthOrder,
    SinceLastOrder,
    Worth,
)
from campaigns.rules.index import Indexed, OfferIndex
from campaigns.rules.promotions import Promotion
from campaigns.services import offering
from campaigns.services.knowing import KnownOffers, expected_needs
from crm import wiring
from loyalty.models import PointsAccount, Tier
from loyalty.services.adjusting import grant_points
from orders.models import Order, Variant
from orders.rules.offers import Gift, Stage
from orders.services.carts import set_points
from orders.services.checkout import place_order
from orders.services.quoting import quote_cart, request_of_cart
from tests.campaigns.recipes import ladder
from tests.cast import NOON, make_variant
from tests.orders.shop import fill_cart

REAL = [
    "campaigns.offers.PromotionOffers",
    "campaigns.offers.CouponOffers",
    "loyalty.offers.PointsOffers",
]
TEN_OFF = Amount(1_000, "order")


@pytest.fixture
def put_on(monkeypatch, db):
    """Return a function that makes promotions the live ones."""
    monkeypatch.setattr(wiring, "OFFER_SOURCES", REAL)

    def on(*promotions: Promotion) -> None:
        known = KnownOffers.of(OfferIndex.of(map(Indexed, promotions)))
        monkeypatch.setattr(offering, "live_offers", lambda _version, language: known)

    return on


def promotion(*conditions, source_id="prm_a", benefit=TEN_OFF, **fields) -> Promotion:
    return Promotion(
        source_id,
        source_id,
        benefit,
        stage=Stage.ORDER,
        conditions=Every(conditions),
        **fields,
    )


def gift(source_id: str, *skus: str, from_minor: int = 100) -> Promotion:
    choices = tuple(Gift(sku, 1) for sku in skus)
    return promotion(Worth(from_minor), source_id=source_id, benefit=FreeItem(choices))


@pytest.fixture
def cart(alice):
    make_variant("TEA", 10_000, on_hand=1_000)
    return fill_cart({"TEA": 1}, member=alice)


def outcome(cart) -> str:
    """Return how the one offer did: what it took, or why not."""
    quote = quote_cart(cart=cart, now=NOON)
    if quote.applied:
        return str(quote.applied[0].amount_minor)
    return next(iter((*quote.refused, *quote.skipped))).why.code


def past_order(member, *, days: int, **fields) -> Order:
    return Order.objects.create(
        number=f"N{Order.objects.count()}",
        member=member,
        currency="CNY",
        goods_minor=0,
        total_minor=0,
        placed_at=NOON - timedelta(days=days),
        **{"state": "completed", **fields},
    )


def counted(work) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        work()
    return [each["sql"] for each in captured]


# --- What is known ------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "first"),
    [
        ([], True),
        ([{}], False),
        ([{"state": "paid"}], False),
        ([{"state": "pending"}, {"state": "cancelled"}], True),
        ([{"state": "refunded"}], True),
        ([{"source": "exchange"}], True),
        ([{"waits_for": "group"}], True),
    ],
)
def test_c12_the_first_order_is_the_first_that_was_paid_and_stands(
    put_on, cart, alice, before, first
):
    put_on(promotion(NthOrder(1)))
    for number, fields in enumerate(before):
        past_order(alice, days=number, **fields)
    assert outcome(cart) == ("1000" if first else "not_for_this_order")


def test_c12_orders_of_others_do_not_count(put_on, cart, mallory):
    put_on(promotion(NthOrder(1)))
    past_order(mallory, days=1)
    assert outcome(cart) == "1000"


def test_c12_nobody_knows_how_often_a_visitor_bought(put_on, db):
    put_on(promotion(NthOrder(1)))
    make_variant("TEA", 10_000)
    assert outcome(fill_cart({"TEA": 1})) == "customer_unknown"


@pytest.mark.parametrize(("days", "says"), [(29, "too_soon"), (30, "1000")])
def test_the_last_order_counts_not_an_older_one(put_on, cart, alice, days, says):
    put_on(promotion(SinceLastOrder(30)))
    past_order(alice, days=400)
    past_order(alice, days=days)
    assert outcome(cart) == says


def test_a_mark_is_a_code_of_the_cart_or_what_the_buyer_belongs_to(put_on, cart, alice):
    put_on(promotion(Carries(frozenset({"tier:gold"}))))
    assert outcome(cart) == "not_for_you"
    gold = Tier.objects.get(code="gold")
    PointsAccount.objects.update_or_create(member=alice, defaults={"tier": gold})
    assert outcome(cart) == "1000", "loyalty was asked, though no price differs"
    put_on(promotion(Carries(frozenset({"code:SAVE"}))))
    assert outcome(cart) == "not_for_you"
    cart.coupon_codes = ["SAVE"]
    assert outcome(cart) == "1000"


def test_s25_what_is_beyond_reach_says_what_is_missing_of_what_the_buyer_is(
    put_on, cart, alice
):
    put_on(
        promotion(NthOrder(2), Worth(30_000)),
        promotion(NthOrder(2), Worth(20_000), source_id="prm_b"),
    )
    past_order(alice, days=1)
    quote = quote_cart(cart=cart, now=NOON)
    assert quote.nearest.source_id == "prm_b"
    assert {
        each.source_id: (each.why.code, each.why.params["missing_minor"])
        for each in quote.refused
    } == {
        "prm_a": ("threshold_not_met", 20_000),
        "prm_b": ("threshold_not_met", 10_000),
    }


# --- What it costs ------------------------------------------------------------


def test_a_quote_takes_three_statements_with_gifts_at_one_offer_and_at_a_thousand(
    put_on, cart, alice
):
    make_variant("MUG", 1_500, on_hand=5)
    past_order(alice, days=1)  # Of who bought nothing more is asked: test_first_orders.
    grant_points(
        member_id=alice.pk,
        points=5_000,
        reason="x",
        actor="test",
        source="test:1",
        now=NOON,
    )
    set_points(cart_id=cart.pk, points=200, now=NOON)
    cart.refresh_from_db()

    def quote():
        return quote_cart(cart=cart, now=NOON)

    put_on(gift("prm_gift", "MUG"))
    first = counted(quote)
    few = counted(quote)
    first_orders = [
        promotion(NthOrder(2), Worth(100 * n), source_id=f"prm_{n:03}")
        for n in range(1, 500)
    ]
    gifts = [gift(f"gift_{n:03}", f"G{n}", from_minor=100 * n) for n in range(1, 500)]
    put_on(gift("prm_gift", "MUG"), *first_orders, *gifts)
    quote()
    many = counted(quote)
    assert len(first) == 3 + 1, "what the last version asked was not what this one asks"
    assert len(few) == len(many) == 3
    # Of the gifts only those within reach are looked up.
    wanted = expected_needs(request_of_cart(cart=cart, now=NOON)).gifts
    assert wanted == {"MUG", *(f"G{n}" for n in range(1, 101))}
    priced = quote()
    assert [each.sku for _offer, each in priced.gifts] == ["MUG"]
    assert len(priced.applied) == 1 + 10, "a gift, and offers until nothing is left"


def test_offers_that_ask_nothing_cost_nothing(put_on, cart):
    put_on(promotion(Worth(100)))
    quote_cart(cart=cart, now=NOON)
    asked = counted(lambda: quote_cart(cart=cart, now=NOON))
    assert len(asked) == 2
    assert not any("loyalty_" in sql or "reserved" in sql for sql in asked[1:])


def test_a_checkout_with_gifts_takes_as_many_statements_as_one_without(
    put_on, alice, cart
):
    for n in range(3):
        make_variant(f"M{n}", 1_500, on_hand=5)
    counts = []
    for number in (1, 3):
        stored = [
            StoredPromotion.objects.create(
                name=f"P{n}", state="live", **ladder((100, 10)), starts_at=NOON
            ).public_id
            for n in range(3)
        ]
        with_gifts = [gift(stored[n], f"M{n}") for n in range(number)]
        without = [promotion(Worth(100), source_id=pk) for pk in stored[number:]]
        put_on(*with_gifts, *without)
        mine = fill_cart({"TEA": 1}, member=alice)
        quote = quote_cart(cart=mine, now=NOON)
        quote_cart(cart=mine, now=NOON)
        assert len(quote.gifts) == number
        counts.append(
            len(
                counted(
                    lambda mine=mine, quote=quote: place_order(
                        cart_id=mine.pk, quote_hash=quote.hash, now=NOON
                    )
                )
            )
        )
    assert counts[0] == counts[1]
    assert Variant.objects.filter(sku__startswith="M", reserved__gt=0).count() == 3
