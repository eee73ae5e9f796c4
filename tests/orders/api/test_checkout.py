"""Checkout by HTTP: once per key, at the price shown, for members only."""

import pytest

from orders.api.serializers import OrderShape
from orders.models import Order, Variant
from tests.orders.api.conftest import ROOT
from tests.orders.api.test_cart import path, problem, yuan
from tests.orders.shop import fill_cart

HUNDRED = {"expected_total": yuan("100.00")}


def check_out(client, cart, body=None, key: str | None = "k1"):
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(
        path(cart, "/checkout"), body or HUNDRED, format="json", headers=headers
    )


def test_a_member_orders_at_the_price_shown(as_alice, alice, tea):
    cart = fill_cart({"TEA": 1}, member=alice)
    seen = as_alice.get(path(cart)).json()
    answer = check_out(as_alice, cart, {"quote_hash": seen["quote_hash"]})
    assert answer.status_code == 201
    body = answer.json()
    order = Order.objects.get()
    assert answer["Location"] == f"{ROOT}/me/orders/{order.public_id}"
    assert (body["id"], body["status"]) == (order.public_id, "pending")
    assert body["totals"]["total"] == yuan("100.00")
    assert body["items"][0]["sku"] == "TEA"
    assert as_alice.get(answer["Location"]).json() == body
    assert OrderShape(data=body).is_valid(raise_exception=True)


def test_x1_the_same_key_gives_the_same_bytes_and_one_order(as_alice, alice, tea):
    cart = fill_cart({"TEA": 1}, member=alice)
    first = check_out(as_alice, cart)
    again = check_out(as_alice, cart)
    assert (again.status_code, again.content) == (201, first.content)
    assert again["Idempotency-Replayed"] == "true"
    other = check_out(as_alice, cart, {"expected_total": yuan("99.00")})
    problem(other, 422, "idempotency_key_reused")
    another_key = check_out(as_alice, cart, key="k2")
    assert another_key.json()["id"] == first.json()["id"]
    assert Order.objects.count() == 1


def test_s27_a_changed_price_is_answered_with_the_new_cart(as_alice, alice, tea):
    cart = fill_cart({"TEA": 1}, member=alice)
    Variant.objects.update(price_minor=9_000)
    body = problem(check_out(as_alice, cart), 409, "cart_total_changed")
    assert body["params"]["cart"]["totals"]["total"] == yuan("90.00")
    assert not Order.objects.exists()
    # A refused request is mended under its key: the member agrees and sends it again.
    agreed = {"quote_hash": body["params"]["cart"]["quote_hash"]}
    assert check_out(as_alice, cart, agreed).status_code == 201


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"nothing": 1}, "validation_error"),
        ({"expected_total": "100.00"}, "validation_error"),
        ({"expected_total": {"amount": "100.00"}}, "validation_error"),
        ({"expected_total": {"amount": "1e4", "currency": "CNY"}}, "validation_error"),
        (
            {"expected_total": {"amount": "100.001", "currency": "CNY"}},
            "validation_error",
        ),
        (
            {"expected_total": {"amount": "100.00", "currency": "EUR"}},
            "validation_error",
        ),
        ({"quote_hash": "x" * 65}, "validation_error"),
    ],
)
def test_bad_bodies_are_refused(as_alice, alice, tea, body, code):
    cart = fill_cart({"TEA": 1}, member=alice)
    problem(check_out(as_alice, cart, body), 400, code)
    assert not Order.objects.exists()


def test_the_key_is_required(as_alice, alice, tea):
    cart = fill_cart({"TEA": 1}, member=alice)
    problem(check_out(as_alice, cart, key=None), 400, "idempotency_key_required")


def test_strangers_order_nothing(as_mallory, visitor, alice, tea):
    cart = fill_cart({"TEA": 1}, member=alice)
    problem(check_out(as_mallory, cart), 404, "not_found")
    problem(check_out(visitor, cart), 401, "not_authenticated")
    assert not Order.objects.exists()


def test_out_of_stock_and_empty(as_alice, alice, tea):
    cart = fill_cart({"TEA": 6}, member=alice)
    body = problem(
        check_out(as_alice, cart, {"expected_total": yuan("600.00")}),
        409,
        "out_of_stock",
    )
    assert body["params"] == {"sku": "TEA"}
    empty = fill_cart({}, member=alice)
    problem(
        check_out(as_alice, empty, {"expected_total": yuan("0.00")}, "k2"),
        422,
        "cart_empty",
    )


def test_a_visitors_cart_is_ordered_by_who_signed_in(as_alice, alice, tea):
    cart = fill_cart({"TEA": 1})
    assert check_out(as_alice, cart).status_code == 201
    assert Order.objects.get().member_id == alice.pk
