"""Gifts by HTTP: what comes for nothing, which offer brings it, and why not."""

import pytest

from crm import wiring
from orders.api.serializers import CartShape
from orders.models import Variant
from tests.cast import make_variant
from tests.orders.api.conftest import ROOT
from tests.orders.api.test_cart import path, problem, yuan
from tests.orders.api.test_checkout import check_out
from tests.orders.gifts import SOURCE, GiftOffers, gift_from
from tests.orders.shop import fill_cart

OFFER = {"type": "promotion", "id": "prm_gift", "name": "Gift from 15000"}


@pytest.fixture
def cart(alice, tea, monkeypatch):
    """Two teas with a mug, or a pen instead, of which there is one each."""
    monkeypatch.setattr(wiring, "OFFER_SOURCES", [SOURCE])
    monkeypatch.setattr(GiftOffers, "promotions", [gift_from(15_000, "MUG", "PEN")])
    make_variant("MUG", 1_500, on_hand=1)
    make_variant("PEN", 300, on_hand=1)
    Variant.objects.filter(sku="MUG").update(option="blue")
    return fill_cart({"TEA": 2}, member=alice)


def test_s16_a_cart_shows_its_gifts_and_the_offer_that_brings_them(as_alice, cart):
    body = as_alice.get(path(cart)).json()
    product = Variant.objects.get(sku="MUG").product
    assert body["gifts"] == [
        {
            "product": {"id": product.public_id, "name": "Thing MUG"},
            "sku": "MUG",
            "option": "blue",
            "quantity": 1,
            "list_price": yuan("15.00"),
            "total": yuan("0.00"),
            "gift_of": OFFER,
            "instead_of": None,
        }
    ]
    assert body["gifts_missed"] == []
    assert [item["sku"] for item in body["items"]] == ["TEA"]
    assert body["totals"]["total"] == yuan("200.00")
    assert CartShape(data=body).is_valid(raise_exception=True)


def test_s17_a_cart_says_what_comes_instead_and_why_nothing_does(as_alice, cart):
    Variant.objects.filter(sku="MUG").update(on_hand=0)
    (gift,) = as_alice.get(path(cart)).json()["gifts"]
    assert (gift["sku"], gift["instead_of"]) == ("PEN", "MUG")
    Variant.objects.filter(sku="PEN").update(on_hand=0)
    body = as_alice.get(path(cart)).json()
    assert body["gifts"] == []
    (missed,) = body["gifts_missed"]
    assert {**missed, "reason": missed["reason"]["code"]} == {
        **OFFER,
        "reason": "gift_out_of_stock",
    }
    assert CartShape(data=body).is_valid(raise_exception=True)


def test_an_order_says_which_offer_brought_a_line(as_alice, cart):
    seen = as_alice.get(path(cart)).json()
    body = check_out(as_alice, cart, {"quote_hash": seen["quote_hash"]}).json()
    tea, mug = body["items"]
    assert (tea["gift_of"], mug["gift_of"]) == (None, OFFER)
    assert (mug["sku"], mug["product"]["name"]) == ("MUG", "Thing MUG blue")
    assert (mug["list_price"], mug["unit_price"], mug["total"]) == (
        yuan("15.00"),
        yuan("0.00"),
        yuan("0.00"),
    )
    assert body["totals"] == seen["totals"]
    (listed,) = as_alice.get(f"{ROOT}/me/orders").json()["data"]
    assert listed["items"] == body["items"]


def test_s27_a_gift_that_ran_out_is_answered_with_the_new_cart(as_alice, cart):
    seen = as_alice.get(path(cart)).json()
    Variant.objects.filter(sku__in=["MUG", "PEN"]).update(on_hand=0)
    answer = check_out(as_alice, cart, {"quote_hash": seen["quote_hash"]})
    problem(answer, 409, "cart_total_changed")
    new = answer.json()["params"]["cart"]
    assert (new["gifts"], new["totals"]) == ([], seen["totals"])
    again = check_out(as_alice, cart, {"quote_hash": new["quote_hash"]}, key="k2")
    assert again.status_code == 201
    assert [item["sku"] for item in again.json()["items"]] == ["TEA"]


def test_gifts_of_others_are_not_shown(as_mallory, visitor, cart):
    for caller in (as_mallory, visitor):
        assert caller.get(path(cart)).status_code == 404
