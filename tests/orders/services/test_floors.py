"""Minimum prices and the margin floor, from the catalogue to the quote (S12)."""

import pytest

from crm import wiring
from orders.models import CartLine, Variant
from orders.queries.carts import contents_of, contents_of_carts, items_of
from orders.queries.catalogue import product_on_sale
from orders.services.quoting import quote_cart, quote_lines
from tests.cast import NOON, make_variant
from tests.orders.shop import Off, Offers, fill_cart

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def half_off(monkeypatch):
    monkeypatch.setattr(wiring, "OFFER_SOURCES", ["tests.orders.shop.Offers"])
    monkeypatch.setattr(Offers, "offers", [Off("half", percent_bp=5_000)])


@pytest.fixture
def pan():
    variant = make_variant("PAN", 10_000)
    Variant.objects.filter(pk=variant.pk).update(
        minimum_price_minor=8_000, cost_minor=7_000
    )
    return variant


def test_s12_no_offer_brings_a_sku_below_its_minimum_price(pan):
    quote = quote_cart(cart=fill_cart({"PAN": 2}), now=NOON)
    assert quote.lines[0].net_minor == 16_000
    assert quote.trace[-1]["floors"] == {"minimum_price": [1]}


@pytest.mark.parametrize(
    ("margin_bp", "net", "kind"),
    [
        (None, 8_000, "minimum_price"),
        (1_000, 8_000, "minimum_price"),
        (2_000, 8_400, "margin"),
    ],
)
def test_s12_the_margin_floor_of_the_shop_counts_where_the_cost_is_known(
    pan, settings, margin_bp, net, kind
):
    settings.MARGIN_FLOOR_BP = margin_bp
    make_variant("CUP", 1_000)
    quote = quote_cart(cart=fill_cart({"PAN": 1, "CUP": 1}), now=NOON)
    assert quote.lines[0].net_minor == net
    assert quote.applied[0].floors[kind] == [1]
    alone = quote_cart(cart=fill_cart({"CUP": 1}), now=NOON)
    assert alone.total_minor == 500


def test_s12_every_way_to_read_an_article_knows_its_floor(pan):
    cart = fill_cart({"PAN": 1})
    found = [
        contents_of(cart_id=cart.pk, at=NOON).items[0].priced_at(1),
        contents_of_carts([cart.pk])[cart.pk].items[0].priced_at(1),
        items_of({"PAN": 1}, at=NOON)[0].priced_at(1),
        product_on_sale(pan.product.public_id, at=NOON).lines()[0],
    ]
    assert {(e.floor_minor, e.floor_kind) for e in found} == {(8_000, "minimum_price")}


def test_s12_an_agreed_price_is_a_price_and_may_lie_below(pan):
    cart = fill_cart({"PAN": 1})
    CartLine.objects.update(agreed_minor=6_000, agreed_kind="group")
    assert quote_cart(cart=cart, now=NOON).total_minor == 6_000


def test_s12_lines_without_a_floor_fall_as_far_as_offers_say():
    line = make_variant("CUP", 1_000) and items_of({"CUP": 1}, at=NOON)[0].priced_at(1)
    assert quote_lines(lines=[line], now=NOON).total_minor == 500
