"""My cart: found again on every device, joined with what I had before signing in."""

from members.models import Address
from orders.api.serializers import CartShape
from orders.models import Cart, FreightRule, Order, OrderAddress, Price
from tests.cast import NOON
from tests.orders.api.conftest import ROOT
from tests.orders.api.test_cart import path, problem, yuan
from tests.orders.api.test_checkout import check_out
from tests.orders.shop import Far, Offers, fill_cart, place

MINE = f"{ROOT}/me/cart"


def make_address(member, province="上海市") -> Address:
    return Address.objects.create(
        member=member,
        slot=1,
        recipient="Alice",
        country="CN",
        province=province,
        street="Road 1",
        created_at=NOON,
    )


def test_the_cart_i_am_filling_is_found_without_its_id(as_alice, alice, tea):
    problem(as_alice.get(MINE), 404, "not_found")
    cart = fill_cart({"TEA": 1}, member=alice)
    body = as_alice.get(MINE).json()
    assert body["id"] == cart.public_id
    assert body == as_alice.get(path(cart)).json()
    assert CartShape(data=body).is_valid(raise_exception=True)
    place(cart)
    problem(as_alice.get(MINE), 404, "not_found")


def test_signing_in_joins_what_i_had(as_alice, as_mallory, visitor, alice, tea):
    mine, before = fill_cart({"TEA": 1}, member=alice), fill_cart({"TEA": 2})
    body = as_alice.post(MINE, {"from": before.public_id}, format="json")
    assert (body.status_code, body.json()["id"]) == (200, mine.public_id)
    assert [i["quantity"] for i in body.json()["items"]] == [3]
    again = as_alice.post(MINE, {"from": before.public_id}, format="json")
    assert again.json() == body.json()
    problem(visitor.get(path(before)), 404, "not_found")
    problem(
        as_mallory.post(MINE, {"from": mine.public_id}, format="json"), 404, "not_found"
    )
    problem(
        visitor.post(MINE, {"from": mine.public_id}, format="json"),
        401,
        "not_authenticated",
    )
    for bad in ({}, {"from": ""}, {"from": mine.public_id, "to": "x"}, []):
        problem(as_alice.post(MINE, bad, format="json"), 400, "validation_error")
    problem(as_alice.get(f"{MINE}?expand=all"), 400, "unknown_parameter")


def test_a_cart_tells_prices_freight_and_the_nearest_offer(visitor, tea):
    Price.objects.create(
        variant=tea,
        kind="sale",
        amount_minor=9_000,
        starts_at=NOON.replace(year=2020),
        created_at=NOON,
    )
    FreightRule.objects.create(name="all", first_minor=1_000, free_from_minor=20_000)
    Offers.offers[:] = [
        Far("prm_far", 500, threshold_minor=10_200),
        Far("prm_farther", 900, threshold_minor=20_000),
    ]
    cart = fill_cart({"TEA": 1})
    body = visitor.get(path(cart)).json()
    (item,) = body["items"]
    assert (item["list_price"], item["unit_price"], item["price_kind"]) == (
        yuan("100.00"),
        yuan("90.00"),
        "sale",
    )
    assert body["totals"]["freight"] == yuan("10.00")
    assert body["free_freight_missing"] == yuan("110.00")
    assert body["nearest"] == {
        "type": "promotion",
        "id": "prm_far",
        "name": "Offer prm_far",
        "reason": {
            "code": "threshold_not_met",
            "message": "Spend ¥12.00 more to get this offer.",
            "params": {"missing": yuan("12.00")},
        },
    }
    offers = visitor.get(path(cart, "/offers")).json()
    assert offers["nearest"] == body["nearest"]
    assert [o["id"] for o in offers["inapplicable"]] == ["prm_far", "prm_farther"]
    assert CartShape(data=body).is_valid(raise_exception=True)


def test_a_visitor_says_a_province_and_a_member_an_address(
    visitor, as_alice, as_mallory, alice, mallory, tea
):
    FreightRule.objects.create(name="far", provinces=["西藏"], first_minor=2_500)
    cart = fill_cart({"TEA": 1})
    body = visitor.patch(path(cart), {"province": "西藏"}, format="json").json()
    assert (body["province"], body["totals"]["freight"]) == ("西藏", yuan("25.00"))
    address, hers = make_address(alice), make_address(mallory)
    problem(
        visitor.patch(path(cart), {"address": address.public_id}, format="json"),
        401,
        "not_authenticated",
    )
    problem(
        as_alice.patch(path(cart), {"address": hers.public_id}, format="json"),
        404,
        "address_gone",
    )
    cart.refresh_from_db()
    assert cart.member_id is None, "nothing happened"
    body = as_alice.patch(path(cart), {"address": address.public_id}, format="json")
    assert body.json()["address"] == address.public_id
    assert body.json()["totals"]["freight"] == yuan("0.00")
    problem(
        as_mallory.patch(path(cart), {"province": "西藏"}, format="json"),
        404,
        "not_found",
    )
    for bad in (
        {},
        {"province": "x" * 61},
        {"address": 7, "province": "x"},
        {"owner": "me", "province": "x"},
    ):
        problem(as_alice.patch(path(cart), bad, format="json"), 400, "validation_error")


def test_an_order_names_its_address_campaign_and_device(as_alice, alice, tea):
    made = as_alice.post(
        f"{ROOT}/carts", {"campaign": "spring:2026", "device": "phone"}, format="json"
    ).json()
    cart = Cart.objects.get(public_id=made["id"])
    as_alice.post(path(cart, "/items"), {"sku": "TEA"}, format="json")
    street = {"recipient": "Alice", "street": "Road 2", "province": "广东省"}
    for bad in (
        {"recipient": "Alice"},
        {**street, "label": "home"},
        {**street, "country": "cn"},
        "Road 2",
    ):
        body = {"expected_total": yuan("100.00"), "address": bad}
        problem(check_out(as_alice, cart, body), 400, "validation_error")
    problem(
        check_out(
            as_alice,
            cart,
            {"expected_total": yuan("100.00"), "address": {**street, "phone": "1"}},
        ),
        422,
        "invalid_profile",
    )
    problem(check_out(as_alice, cart, {"address": street}), 400, "validation_error")
    answer = check_out(
        as_alice, cart, {"expected_total": yuan("100.00"), "address": street}
    )
    assert answer.status_code == 201
    order = Order.objects.get()
    assert (order.campaign, order.device, order.region) == (
        "spring:2026",
        "phone",
        "广东省",
    )
    kept = OrderAddress.objects.get()
    assert (kept.street, kept.country) == ("Road 2", "CN")
    assert answer.json()["items"][0]["list_price"] == yuan("100.00")
    for bad in ({"device": "fridge"}, {"campaign": "a b"}, {"campaign": "x" * 81}):
        problem(
            as_alice.post(f"{ROOT}/carts", bad, format="json"), 400, "validation_error"
        )
