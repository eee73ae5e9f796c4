"""How many SQL statements a quote and a checkout take, with every real offer source."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import CouponTemplate, Promotion
from campaigns.rules import recipes_making
from campaigns.services import offering
from campaigns.services.issuing import issue_coupon
from crm import wiring
from loyalty.services.adjusting import grant_points
from members.models import Address
from orders.models import (
    Allocation,
    AppliedOffer,
    Cart,
    FreightRule,
    Order,
    OrderLine,
    Price,
    Variant,
)
from orders.services.checkout import place_order
from orders.services.quoting import quote_cart
from tests.campaigns.recipes import ladder
from tests.cast import NOON, make_variant
from tests.orders.shop import fill_cart

REAL = [
    "campaigns.offers.PromotionOffers",
    "campaigns.offers.CouponOffers",
    "loyalty.offers.PointsOffers",
    "loyalty.freight_offers.FreeDeliveryOffers",
]


@pytest.fixture(autouse=True)
def real_sources(monkeypatch):
    monkeypatch.setattr(wiring, "OFFER_SOURCES", REAL)


def put_on(count: int) -> None:
    Promotion.objects.bulk_create(
        Promotion(
            name=f"P{n}",
            state=Promotion.State.LIVE,
            **ladder((1000 * (n + 1), 100)),
            starts_at=NOON - timedelta(days=1),
        )
        for n in range(count)
    )


@pytest.fixture
def rich(alice):
    grant_points(
        member_id=alice.pk,
        points=5_000,
        reason="welcome",
        actor="test",
        source="test:1",
        now=NOON,
    )
    return alice


def full_cart(member, lines: int) -> Cart:
    """A cart that uses everything: prices, province, coupon, points, freight."""
    for n in range(lines):
        if not Variant.objects.filter(sku=f"V{n:02}").exists():
            variant = make_variant(f"V{n:02}", 3_000 + n, on_hand=1_000)
            Price.objects.create(
                variant=variant,
                kind="member",
                audience="member",
                amount_minor=2_900 + n,
                starts_at=NOON,
                created_at=NOON,
            )
    cart = fill_cart({f"V{n:02}": 1 for n in range(lines)}, member=member)
    template, _made = CouponTemplate.objects.get_or_create(
        code="five",
        defaults={
            "name": "five",
            "state": "live",
            "kind": "amount",
            "amount_minor": 500,
            "starts_at": NOON,
        },
    )
    coupon = issue_coupon(
        template_id=template.pk, member_id=member.pk, source=f"c{cart.pk}", now=NOON
    )
    FreightRule.objects.get_or_create(
        name="near", defaults={"provinces": ["上海"], "first_minor": 600}
    )
    address, _made = Address.objects.get_or_create(
        member=member,
        slot=1,
        defaults={
            "recipient": "Alice",
            "country": "CN",
            "province": "上海市",
            "street": "Nanjing Road 1",
            "created_at": NOON,
        },
    )
    Cart.objects.filter(pk=cart.pk).update(
        coupon_codes=[coupon.code], points_to_spend=200, address=address
    )
    return Cart.objects.get(pk=cart.pk)


def statements(work) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        work()
    return [each["sql"] for each in captured]


def test_a_quote_takes_three_statements_at_one_offer_and_at_a_thousand(rich):
    put_on(1)
    cart = full_cart(rich, 3)
    quote_cart(cart=cart, now=NOON)  # Somebody asked since the promotions changed.
    few = statements(lambda: quote_cart(cart=Cart.objects.get(pk=cart.pk), now=NOON))
    put_on(999)
    quote_cart(cart=cart, now=NOON)
    many = statements(lambda: quote_cart(cart=Cart.objects.get(pk=cart.pk), now=NOON))
    # One of them is the test's own: the row of the cart.
    assert len(few) == len(many) == 1 + 3
    quote = quote_cart(cart=cart, now=NOON)
    kinds = {each.source_kind for each in quote.applied}
    assert kinds == {"promotion", "coupon", "points"}
    assert quote.freight_minor == 600
    assert {each.line.price_kind for each in quote.lines} == {"member"}
    seen = len(quote.applied) + len(quote.refused) + len(quote.skipped)
    assert seen == 1_000 + 2, "S25"


def test_after_a_change_of_promotions_one_quote_reads_their_rows(rich):
    put_on(2)
    cart = full_cart(rich, 1)
    quote_cart(cart=cart, now=NOON)
    Promotion.objects.filter(name="P1").update(name="Renamed")
    first = statements(lambda: quote_cart(cart=cart, now=NOON))
    again = statements(lambda: quote_cart(cart=cart, now=NOON))
    assert (len(first), len(again)) == (4, 3)


def test_p1_a_change_of_one_promotion_makes_one_offer_anew(rich, monkeypatch):
    put_on(5)
    cart = full_cart(rich, 1)
    quote_cart(cart=cart, now=NOON)
    made = []

    def offer_of(recipe, meta):
        made.append(meta.name)
        return recipes_making.offer_of(recipe, meta)

    monkeypatch.setattr(offering, "offer_of", offer_of)
    Promotion.objects.filter(name="P1").update(name="Renamed")
    names = {each.name for each in told_by(quote_cart(cart=cart, now=NOON))}
    assert made == ["Renamed"]
    assert {"Renamed", "P2"} <= names
    assert "P1" not in names


def told_by(quote):
    return (*quote.applied, *quote.refused, *quote.skipped)


def test_where_no_price_differs_by_audience_loyalty_is_not_asked(rich, tea):
    cart = fill_cart({"TEA": 1}, member=rich)
    quote_cart(cart=cart, now=NOON)
    asked = statements(lambda: quote_cart(cart=cart, now=NOON))
    assert len(asked) == 2
    assert not any("loyalty_" in sql for sql in asked)


def test_a_checkout_of_fifty_lines_takes_as_many_statements_as_of_one(rich):
    put_on(1)
    counts = {}
    for lines in (1, 50):
        cart = full_cart(rich, lines)
        quote = quote_cart(cart=cart, now=NOON)
        assert len(quote.applied) == 3
        counts[lines] = statements(
            lambda cart=cart, quote=quote: place_order(
                cart_id=cart.pk, quote_hash=quote.hash, now=NOON
            )
        )
    assert len(counts[1]) == len(counts[50]), "\n".join(counts[50])
    # BEGIN, two locks, three reads, address of the cart, order, its address, eight for
    # points, coupon, promotion, stock (two), fact, COMMIT.
    assert len(counts[1]) <= 26
    assert OrderLine.objects.count() == 51


def test_what_stands_in_the_books_is_what_was_quoted(rich):
    put_on(1)
    cart = full_cart(rich, 3)
    Variant.objects.update(cost_minor=1_000)
    Cart.objects.filter(pk=cart.pk).update(campaign="spring", device="phone")
    cart.refresh_from_db()
    quote = quote_cart(cart=cart, now=NOON)
    order = place_order(cart_id=cart.pk, quote_hash=quote.hash, now=NOON)
    order = Order.objects.get(pk=order.pk)
    assert (order.campaign, order.device, order.region) == (
        "spring",
        "phone",
        "上海市",
    )
    lines = list(order.lines.order_by("position"))
    assert [
        (e.list_price_minor, e.unit_price_minor, e.price_kind, e.cost_minor)
        for e in lines
    ] == [(3_000 + n, 2_900 + n, "member", 1_000) for n in range(3)]
    offers = list(order.offers.order_by("stage"))
    assert [(o.source_kind, o.amount_minor, o.points) for o in offers] == [
        ("promotion", 100, 0),
        ("coupon", 500, 0),
        ("points", 200, 200),
    ]
    assert offers[0].terms == {
        "rungs": [[1000, 100]],
        "repeats": False,
        "max_times": 1,
        "priority": 0,
        "exclusive_group": "order",
    }
    assert offers[1].terms["amount_minor"] == 500
    assert offers[2].terms == {"share_bp": 5000, "step": 100, "minor_per_100": 100}
    for offer in offers:
        shared = Allocation.objects.filter(
            line__order=order, source_kind=offer.source_kind, source_id=offer.source_id
        ).values_list("amount_minor", "points")
        assert sum(amount for amount, _p in shared) == offer.amount_minor, "X8"
        assert sum(points for _a, points in shared) == offer.points
    assert AppliedOffer.objects.count() == 3
    assert order.address.street == "Nanjing Road 1"
    assert order.address.province == "上海市"
    # A copy: the member moves, the order does not.
    Address.objects.all().delete()
    assert Order.objects.get(pk=order.pk).address.recipient == "Alice"
