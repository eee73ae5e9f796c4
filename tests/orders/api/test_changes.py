"""A cart tells what is different from the price its holder saw last (S23)."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.api.serializers import CartShape
from orders.models import Cart, Product, Variant
from orders.services.checkout import place_order
from orders.services.quoting import quote_cart
from tests.cast import NOON
from tests.orders.api.conftest import ROOT
from tests.orders.api.test_cart import path, problem, yuan
from tests.orders.api.test_checkout import check_out
from tests.orders.shop import Off, Offers, fill_cart


@pytest.fixture
def spring():
    Offers.offers[:] = [Off("prm_a", 1_000)]


@pytest.fixture
def cart(visitor, spring, tea, cup):
    """A cart whose holder saw its price: tea at 100.00, with 10.00 off."""
    opened = visitor.post(f"{ROOT}/carts", {}, format="json").json()
    answer = visitor.post(
        f"{ROOT}/carts/{opened['id']}/items", {"sku": "TEA"}, format="json"
    )
    assert answer.json()["changes"] == []
    return Cart.objects.get()


def told(visitor, cart):
    body = visitor.get(path(cart)).json()
    assert CartShape(data=body).is_valid(raise_exception=True)
    return body["changes"]


SPRING = {"type": "promotion", "id": "prm_a", "name": "Offer prm_a"}


def test_s23_nothing_changed_nothing_is_told(visitor, cart):
    assert told(visitor, cart) == []


def test_s23_an_offer_that_ended_is_named_until_the_buyer_does_something(visitor, cart):
    Offers.offers[:] = []
    gone = {
        "code": "offer_gone",
        "message": "Offer prm_a no longer applies. It took off ¥10.00.",
        "offer": SPRING,
        "sku": None,
        "from": yuan("10.00"),
        "to": None,
    }
    assert told(visitor, cart) == [gone]
    assert told(visitor, cart) == [gone], "a GET writes nothing"
    answer = visitor.post(path(cart, "/items"), {"sku": "CUP"}, format="json")
    assert answer.json()["changes"] == [gone], "told by whatever is answered first"
    assert told(visitor, cart) == []


def test_s23_an_offer_that_came_or_takes_another_amount(visitor, cart):
    Offers.offers[:] = [Off("prm_a", 2_000), Off("prm_b", 500)]
    assert [
        (each["code"], each["offer"]["id"], each["from"], each["to"])
        for each in told(visitor, cart)
    ] == [
        ("offer_changed", "prm_a", yuan("10.00"), yuan("20.00")),
        ("offer_came", "prm_b", None, yuan("5.00")),
    ]


def test_s23_an_article_that_changed_its_price_or_cannot_be_bought(visitor, cart):
    Variant.objects.filter(sku="TEA").update(price_minor=12_000)
    (changed,) = told(visitor, cart)
    assert (changed["code"], changed["sku"]) == ("price_changed", "TEA")
    assert (changed["from"], changed["to"]) == (yuan("100.00"), yuan("120.00"))
    assert changed["message"] == "Thing TEA costs ¥120.00 instead of ¥100.00."
    Product.objects.update(is_listed=False)
    assert [each["code"] for each in told(visitor, cart)] == [
        "price_changed",
        "unavailable",
    ]


def test_s23_checkout_tells_the_same_and_agreeing_ends_it(as_alice, alice, cart):
    as_alice.patch(path(cart), {}, format="json")
    seen = as_alice.get(path(cart)).json()["quote_hash"]
    Offers.offers[:] = []
    body = problem(
        check_out(as_alice, cart, {"quote_hash": seen}), 409, "cart_total_changed"
    )
    shown = body["params"]["cart"]
    assert [each["code"] for each in shown["changes"]] == ["offer_gone"]
    agreed = {"quote_hash": shown["quote_hash"]}
    order = check_out(as_alice, cart, agreed, key="k2").json()
    assert order["totals"]["total"] == yuan("100.00")


def test_s23_an_order_that_was_placed_stays_as_it_was(visitor, cart):
    order = place_order(
        cart_id=cart.pk, quote_hash=quote_cart(cart=cart, now=NOON).hash, now=NOON
    )
    Offers.offers[:] = []
    Variant.objects.update(price_minor=1)
    order.refresh_from_db()
    assert (order.goods_minor, order.total_minor) == (10_000, 9_000)


def test_s23_a_cart_that_nobody_was_shown_tells_nothing(visitor, spring, tea):
    unseen = fill_cart({"TEA": 1})
    Offers.offers[:] = []
    assert told(visitor, unseen) == []


def test_s23_reading_writes_nothing_and_changing_takes_as_many_statements(
    visitor, cart
):
    Offers.offers[:] = []
    with CaptureQueriesContext(connection) as reads:
        told(visitor, cart)
    assert not [e for e in reads if e["sql"].startswith(("UPDATE", "INSERT"))]
    item = cart.lines.get()
    with CaptureQueriesContext(connection) as writes:
        visitor.patch(
            path(cart, f"/items/{item.public_id}"), {"quantity": 2}, format="json"
        )
    # Cart, savepoint, lock, open, line, release, cart with its contents, seen.
    assert len(writes) == 8
