"""The cheapest goods that go with an offer, and can be bought."""

import pytest

from orders.models import Brand, Category, Product, Variant
from orders.queries.sought_goods import cheapest_of
from orders.rules.sought_goods import SoughtGoods
from tests.cast import NOON, make_channel, make_variant


@pytest.fixture
def shop(db):
    """Tea in two categories, a pot, and what nobody can buy."""
    drinks = Category.objects.create(code="drinks", name="Drinks")
    tea = Category.objects.create(code="tea", name="Tea", parent=drinks)
    acme = Brand.objects.create(code="acme", name="Acme")
    for sku, price, fields in (
        ("GREEN", 900, {"category": tea, "brand": acme}),
        ("BLACK", 800, {"category": tea}),
        ("JUICE", 700, {"category": drinks, "brand": acme}),
        ("POT", 2_000, {}),
        ("HIDDEN", 100, {"category": tea, "is_listed": False}),
        ("GONE", 100, {"category": tea}),
        ("SOLDOUT", 100, {"category": tea, "brand": acme}),
    ):
        variant = make_variant(sku, price, on_hand=0 if sku == "SOLDOUT" else 9)
        Product.objects.filter(pk=variant.product_id).update(**fields)
    make_variant("CARD", 50, kind="gift_card")
    Variant.objects.filter(sku="GONE").update(is_active=False)
    return {"drinks": drinks.pk, "tea": tea.pk, "acme": acme.pk}


def found(*sought: dict, channel="") -> list[str | None]:
    asked = [SoughtGoods(**each) for each in sought]
    items = cheapest_of(asked, channel=channel, at=NOON)
    return [items[n].sku if n in items else None for n in range(len(asked))]


def test_each_way_to_name_goods_finds_the_cheapest(shop, django_assert_num_queries):
    pot = Product.objects.get(variants__sku="POT").pk
    with django_assert_num_queries(1):
        assert found(
            {},
            {"skus": ("GREEN", "POT")},
            {"products": (pot,)},
            {"brands": (shop["acme"],)},
            {"categories": (shop["tea"],)},
            {"categories": (shop["drinks"],)},
            {"skus": ("POT",), "categories": (shop["tea"],)},
        ) == ["JUICE", "GREEN", "POT", "JUICE", "BLACK", "JUICE", "BLACK"]


def test_what_is_left_out_is_not_found(shop):
    drinks = {"categories": (shop["drinks"],)}
    assert found(
        {"not_categories": (shop["drinks"],)},
        drinks | {"not_brands": (shop["acme"],)},
        drinks | {"not_skus": ("JUICE", "BLACK")},
        drinks | {"not_products": tuple(Product.objects.values_list("pk", flat=True))},
    ) == ["POT", "BLACK", "GREEN", None]


def test_what_nobody_can_buy_is_not_found(shop):
    assert (
        found(
            {"skus": ("HIDDEN",)},
            {"skus": ("GONE",)},
            {"skus": ("SOLDOUT",)},
            {"skus": ("CARD",)},
            {"skus": ("NOSUCH",)},
        )
        == [None] * 5
    )


def test_what_is_sold_in_a_channel_is_found_there_alone(shop):
    store = make_channel("store")
    Product.objects.get(variants__sku="POT").channels.set([store])
    pot = {"skus": ("POT",)}
    assert (found(pot), found(pot, channel="store")) == ([None], ["POT"])
