"""What the storefront is told that goods cost, with real promotions (S24)."""

from datetime import timedelta

import pytest

from campaigns.models import Promotion
from crm import wiring
from crm.shared import clock
from tests.campaigns.recipes import of_kind
from tests.campaigns.services.test_unit_pricing import REAL
from tests.cast import make_variant
from tests.orders.api.conftest import ROOT


@pytest.fixture
def tea(db, monkeypatch):
    monkeypatch.setattr(wiring, "OFFER_SOURCES", REAL)
    return make_variant("TEA", 1_000, on_hand=9).product.public_id


@pytest.fixture
def members_price(db):
    return Promotion.objects.create(
        name="会员价",
        name_en="Price for members",
        state="live",
        starts_at=clock.now() - timedelta(days=1),
        **of_kind("member_price", {"percent_bp": 1_000}, when={"audience": ["member"]}),
    )


def told(client, product):
    """Return what list and page say alike of the one SKU, and the answer."""
    answer = client.get(f"{ROOT}/products/{product}")
    (sku,) = answer.json()["variants"]
    (listed,) = client.get(f"{ROOT}/products").json()["data"]
    assert listed["variants"] == [sku]
    return sku, answer


def test_s24_list_page_and_cart_tell_a_member_one_price(
    as_alice, visitor, tea, members_price
):
    sku, answer = told(as_alice, tea)
    assert sku["price"] == {"amount": "9.00", "currency": "CNY"}
    assert sku["was"] == sku["list_price"] == {"amount": "10.00", "currency": "CNY"}
    assert sku["price_kind"] == "promotion"
    mine = {"id": members_price.public_id, "name": "Price for members"}
    assert sku["promotions"] == [mine | {"left": None}]
    cart = as_alice.post(f"{ROOT}/carts", {}, format="json").json()["id"]
    added = as_alice.post(
        f"{ROOT}/carts/{cart}/items", {"sku": "TEA", "quantity": 1}, format="json"
    )
    assert added.json()["items"][0]["total"] == sku["price"]
    # Nobody in between keeps it.
    assert answer["Cache-Control"] == "private, no-store"

    sku, answer = told(visitor, tea)
    assert (sku["price"]["amount"], sku["promotions"]) == ("10.00", [])
    assert "no-store" in answer["Cache-Control"]


def test_s24_a_price_ends_with_its_promotion(as_alice, tea, members_price):
    assert told(as_alice, tea)[0]["price"]["amount"] == "9.00"
    Promotion.objects.update(ends_at=clock.now())
    assert told(as_alice, tea)[0]["price"]["amount"] == "10.00"


def test_s24_list_page_and_cart_tell_how_many_pieces_are_left(visitor, tea):
    flash = Promotion.objects.create(
        name="秒杀",
        state="live",
        starts_at=clock.now() - timedelta(days=1),
        limit_units=3,
        used_units=1,
        **of_kind("flash_price", {"price_minor": 400}),
    )
    sku, _answer = told(visitor, tea)
    assert (sku["price"]["amount"], sku["price_kind"]) == ("4.00", "promotion")
    assert [each["left"] for each in sku["promotions"]] == [2]
    cart = visitor.post(f"{ROOT}/carts", {}, format="json").json()["id"]
    filled = visitor.post(
        f"{ROOT}/carts/{cart}/items", {"sku": "TEA", "quantity": 3}, format="json"
    ).json()
    (discount,) = filled["discounts"]
    assert (discount["units"], discount["left"]) == (2, 2)
    assert filled["totals"]["total"]["amount"] == "18.00"
    (offer,) = visitor.get(f"{ROOT}/carts/{cart}/offers").json()["applicable"]
    assert (offer["units"], offer["left"]) == (2, 2)

    Promotion.objects.filter(pk=flash.pk).update(used_units=3)
    sku, _answer = told(visitor, tea)
    assert (sku["price"]["amount"], sku["promotions"]) == ("10.00", [])
    offers = visitor.get(f"{ROOT}/carts/{cart}/offers").json()
    assert offers["applicable"] == []
    (gone,) = offers["inapplicable"]
    assert gone["reason"] == {
        "code": "no_units_left",
        "message": "No piece at this price is left for you.",
        "params": {"left": 0},
    }
