"""Carts by HTTP: what they cost, who may touch them, what they refuse."""

import pytest

from orders.api.offer_shapes import CartOffersShape
from orders.api.serializers import CartShape
from orders.models import Cart
from tests.cast import make_channel
from tests.orders.api.conftest import ROOT
from tests.orders.shop import Off, Offers, fill_cart, place

NOBODY = f"{ROOT}/carts/cart_00000000000000000000000000"


def yuan(text: str) -> dict:
    return {"amount": text, "currency": "CNY"}


def path(cart: Cart, rest: str = "") -> str:
    return f"{ROOT}/carts/{cart.public_id}{rest}"


def problem(response, status: int, code: str):
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response["Content-Type"] == "application/problem+json"
    return response.json()


def test_a_visitor_fills_a_cart_and_sees_its_price(visitor, tea, cup):
    Offers.offers[:] = [Off("prm_a", 1000, threshold_minor=10_000)]
    opened = visitor.post(f"{ROOT}/carts", {}, format="json")
    assert opened.status_code == 201
    where = opened["Location"]
    assert where == f"{ROOT}/carts/{opened.json()['id']}"
    visitor.post(f"{where}/items", {"sku": "TEA"}, format="json")
    answer = visitor.post(
        f"{where}/items", {"sku": "CUP", "quantity": 3}, format="json"
    )
    assert answer.status_code == 201
    body = answer.json()
    assert body == visitor.get(where).json()
    assert body["totals"] == {
        "goods": yuan("199.99"),
        "discount": yuan("10.00"),
        "freight": yuan("0.00"),
        "total": yuan("189.99"),
    }
    tea_item, cup_item = body["items"]
    assert tea_item["product"]["name"] == "Thing TEA"
    assert (tea_item["total"], cup_item["total"]) == (yuan("95.00"), yuan("94.99"))
    assert cup_item["discounts"] == [
        {
            "type": "promotion",
            "id": "prm_a",
            "name": "Offer prm_a",
            "amount": yuan("5.00"),
            "points": 0,
        }
    ]
    assert CartShape(data=body).is_valid(raise_exception=True)


def test_units_add_up_change_and_leave(visitor, tea):
    cart = fill_cart({"TEA": 1})
    visitor.post(path(cart, "/items"), {"sku": "TEA", "quantity": 2}, format="json")
    item = cart.lines.get()
    assert item.quantity == 3
    where = path(cart, f"/items/{item.public_id}")
    body = visitor.patch(where, {"quantity": 7}, format="json").json()
    assert (body["items"][0]["quantity"], body["items"][0]["available"]) == (7, False)
    assert visitor.delete(where).json()["items"] == []
    problem(visitor.delete(where), 404, "not_found")
    problem(visitor.patch(where, {"quantity": 1}, format="json"), 404, "not_found")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "validation_error"),
        ({"sku": "TEA", "quantity": 0}, 400, "validation_error"),
        ({"sku": "TEA", "quantity": -1}, 400, "validation_error"),
        ({"sku": "TEA", "quantity": 10_000}, 400, "validation_error"),
        ({"sku": "TEA", "quantity": "many"}, 400, "validation_error"),
        ({"sku": "TEA", "price": "0.01"}, 400, "validation_error"),
        ({"sku": ["TEA"]}, 400, "validation_error"),
        ([], 400, "validation_error"),
        ({"sku": "NONE"}, 422, "item_unavailable"),
        ({"sku": "TEA", "quantity": 9_999}, 422, "cart_full"),
    ],
)
def test_items_that_cannot_be_are_refused(visitor, tea, body, status, code):
    cart = fill_cart({"TEA": 1})
    problem(visitor.post(path(cart, "/items"), body, format="json"), status, code)
    assert cart.lines.get().quantity == 1


def test_what_another_channel_sells_is_refused_with_its_code(visitor, tea):
    tea.product.channels.set([make_channel("outlet")])
    cart = fill_cart({})
    body = {"sku": "TEA"}
    said = problem(
        visitor.post(path(cart, "/items"), body, format="json"), 422, "not_in_channel"
    )
    assert said["title"] == "TEA is not sold in this sales channel."
    assert not cart.lines.exists()


def test_a_repeated_request_with_its_key_adds_once(visitor, tea):
    cart = fill_cart({})
    for _again in range(2):
        answer = visitor.post(
            path(cart, "/items"),
            {"sku": "TEA"},
            format="json",
            headers={"Idempotency-Key": "once"},
        )
        assert answer.status_code == 201
    assert answer["Idempotency-Replayed"] == "true"
    assert cart.lines.get().quantity == 1


def test_a_members_cart_is_there_for_that_member_only(
    as_alice, as_mallory, visitor, alice, tea
):
    cart = fill_cart({"TEA": 1}, member=alice)
    item = cart.lines.get().public_id
    assert as_alice.get(path(cart)).status_code == 200
    for stranger in (as_mallory, visitor):
        for answer in (
            stranger.get(path(cart)),
            stranger.patch(path(cart), {"owner": "me"}, format="json"),
            stranger.delete(path(cart)),
            stranger.post(path(cart, "/items"), {"sku": "TEA"}, format="json"),
            stranger.patch(
                path(cart, f"/items/{item}"), {"quantity": 2}, format="json"
            ),
            stranger.delete(path(cart, f"/items/{item}")),
            stranger.post(path(cart, "/coupons"), {"code": "TENOFF"}, format="json"),
            stranger.delete(path(cart, "/coupons/TENOFF")),
            stranger.get(path(cart, "/offers")),
        ):
            problem(answer, 404, "not_found")
    problem(
        as_mallory.put(path(cart, "/points"), {"points": 1}, format="json"),
        404,
        "not_found",
    )
    cart.refresh_from_db()
    assert (cart.member_id, cart.lines.get().quantity) == (alice.pk, 1)


def test_an_item_of_another_cart_is_not_there(visitor, tea):
    mine, other = fill_cart({"TEA": 1}), fill_cart({"TEA": 1})
    item = other.lines.get().public_id
    where = path(mine, f"/items/{item}")
    problem(visitor.patch(where, {"quantity": 9}, format="json"), 404, "not_found")
    assert other.lines.get().quantity == 1


def test_signing_in_takes_the_cart_along(visitor, as_alice, as_mallory, alice, tea):
    cart = fill_cart({"TEA": 1})
    problem(
        visitor.patch(path(cart), {"owner": "me"}, format="json"),
        401,
        "not_authenticated",
    )
    assert as_alice.patch(path(cart), {"owner": "me"}, format="json").status_code == 200
    assert as_alice.patch(path(cart), {"owner": "me"}, format="json").status_code == 200
    problem(as_mallory.get(path(cart)), 404, "not_found")
    cart.refresh_from_db()
    assert cart.member_id == alice.pk
    problem(
        as_alice.patch(path(cart), {"owner": "mem_x"}, format="json"),
        400,
        "validation_error",
    )


def test_coupons_are_added_shown_and_removed(visitor, tea):
    cart = fill_cart({"TEA": 1})
    answer = visitor.post(path(cart, "/coupons"), {"code": "TENOFF"}, format="json")
    assert answer.status_code == 201
    again = visitor.post(path(cart, "/coupons"), {"code": "TENOFF"}, format="json")
    assert again.json()["coupons"] == ["TENOFF"]
    assert again.json()["totals"]["total"] == yuan("90.00")
    body = visitor.delete(path(cart, "/coupons/TENOFF")).json()
    assert (body["coupons"], body["totals"]["total"]) == ([], yuan("100.00"))
    problem(visitor.delete(path(cart, "/coupons/TENOFF")), 404, "not_found")


def test_a_coupon_that_takes_nothing_off_says_why(visitor, tea):
    cart = fill_cart({"TEA": 1})
    unknown = visitor.post(path(cart, "/coupons"), {"code": "NOPE"}, format="json")
    assert problem(unknown, 422, "coupon_not_found")["title"] == (
        "This coupon code is not valid."
    )
    big = visitor.post(path(cart, "/coupons"), {"code": "BIG"}, format="json")
    body = problem(big, 422, "threshold_not_met")
    assert body["params"] == {"missing": yuan("900.00")}
    assert body["title"] == "Spend ¥900.00 more to get this offer."
    cart.refresh_from_db()
    assert cart.coupon_codes == []


def test_offers_tell_every_offer_once(visitor, tea):
    Offers.offers[:] = [
        Off("prm_a", 1000, exclusive_group="g"),
        Off("prm_b", 500, exclusive_group="g"),
        Off("prm_c", 500, threshold_minor=20_000),
    ]
    cart = fill_cart({"TEA": 1})
    body = visitor.get(path(cart, "/offers")).json()
    assert body["applicable"] == [
        {
            "type": "promotion",
            "id": "prm_a",
            "name": "Offer prm_a",
            "saves": yuan("10.00"),
            "units": 1,
            "left": None,
            "limited": False,
            "lines": [{"id": cart.lines.get().public_id, "saves": yuan("10.00")}],
        }
    ]
    (inapplicable,) = body["inapplicable"]
    assert inapplicable["id"] == "prm_c"
    assert inapplicable["path"] == {
        "code": "spend_more",
        "message": "Spend ¥100.00 more.",
        "params": {"missing": yuan("100.00")},
        "saves": yuan("5.00"),
        "total": yuan("185.00"),
    }
    assert inapplicable["reason"] == {
        "code": "threshold_not_met",
        "message": "Spend ¥100.00 more to get this offer.",
        "params": {"missing": yuan("100.00")},
    }
    (skipped,) = body["skipped"]
    assert (skipped["id"], skipped["reason"]["params"]) == ("prm_b", {"with": "prm_a"})
    assert (skipped["path"], body["coupons"], body["left_out"]) == (None, [], 0)
    assert CartOffersShape(data=body).is_valid(raise_exception=True)


def test_points_need_a_member_and_a_number(visitor, as_alice, alice, tea):
    cart = fill_cart({"TEA": 1}, member=alice)
    problem(
        visitor.put(path(cart, "/points"), {"points": 1}, format="json"),
        401,
        "not_authenticated",
    )
    for bad in ({"points": -1}, {"points": 2**31}, {"points": "x"}, {}):
        problem(
            as_alice.put(path(cart, "/points"), bad, format="json"),
            400,
            "validation_error",
        )
    body = as_alice.put(path(cart, "/points"), {"points": 300}, format="json").json()
    assert (body["points_to_spend"], body["points_spent"]) == (300, 0)


def test_an_ordered_cart_does_not_change(as_alice, alice, tea):
    cart = fill_cart({"TEA": 1}, member=alice)
    place(cart)
    for answer in (
        as_alice.post(path(cart, "/items"), {"sku": "TEA"}, format="json"),
        as_alice.post(path(cart, "/coupons"), {"code": "TENOFF"}, format="json"),
        as_alice.put(path(cart, "/points"), {"points": 1}, format="json"),
        as_alice.delete(path(cart)),
    ):
        problem(answer, 409, "cart_already_ordered")
    assert cart.lines.get().quantity == 1


def test_a_cart_is_thrown_away(visitor, tea):
    cart = fill_cart({"TEA": 1})
    assert visitor.delete(path(cart)).status_code == 204
    assert not Cart.objects.exists()
    problem(visitor.get(path(cart)), 404, "not_found")


def test_what_is_nowhere_is_404_and_what_is_unknown_400(visitor, tea):
    problem(visitor.get(NOBODY), 404, "not_found")
    cart = fill_cart({"TEA": 1})
    problem(visitor.get(path(cart, "?expand=all")), 400, "unknown_parameter")
    problem(
        visitor.post(f"{ROOT}/carts", {"channel": "moon"}, format="json"),
        422,
        "unknown_channel",
    )
    problem(
        visitor.post(f"{ROOT}/carts", {"member": "mem_x"}, format="json"),
        400,
        "validation_error",
    )
