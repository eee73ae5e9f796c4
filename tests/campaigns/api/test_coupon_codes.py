"""Codes, choices, holds and gifts: rightly, wrongly, and by somebody else."""

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from campaigns.models import Coupon, CouponTemplate, PublicCode
from campaigns.services.issuing import issue_coupon
from crm.shared import clock
from orders.models import Cart, Order
from tests.cast import make_variant
from tests.orders.shop import fill_cart, place

API = "/api/storefront/v1"


def client_of(member=None) -> APIClient:
    client = APIClient()
    if member is not None:
        client.force_login(member.user)
    return client


@pytest.fixture
def live(template):
    CouponTemplate.objects.update(
        starts_at=clock.now() - timedelta(days=1), stock=None, is_transferable=True
    )
    template.refresh_from_db()
    PublicCode.objects.create(template=template, code="SPRING26")
    return template


@pytest.fixture
def coupon(alice, live):
    return issue_coupon(
        template_id=live.pk, member_id=alice.pk, source="x", now=clock.now()
    )


def send(member, code):
    body = {"code": code}
    return client_of(member).post(f"{API}/me/coupon-codes", body, format="json")


def test_a_typed_code_is_a_coupon_in_the_wallet(alice, live):
    answer = send(alice, "spring-26")
    assert answer.status_code == 201
    mine = client_of(alice).get(f"{API}/me/coupons").json()["data"]
    assert [each["id"] for each in mine] == [answer.json()["id"]]
    assert send(alice, "SPRING26").json() == answer.json()
    assert Coupon.objects.count() == 1


def test_c5_wrong_and_foreign_codes_are_answered_alike(mallory, coupon):
    answers = [send(mallory, code) for code in ("NOSUCH", coupon.code)]
    assert {answer.status_code for answer in answers} == {422}
    assert {answer.json()["code"] for answer in answers} == {"coupon_not_found"}
    assert answers[0].json()["title"] == answers[1].json()["title"]


def test_c5_the_eleventh_wrong_code_must_wait(alice, mallory, live):
    for number in range(10):
        assert send(alice, f"WRONG{number}").status_code == 422
    answer = send(alice, "SPRING26")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_often")
    assert 0 < int(answer.headers["Retry-After"]) <= 600
    make_variant("TEA", 20_000, on_hand=9)
    cart = fill_cart({"TEA": 1}, member=mallory, now=clock.now())
    # The same address, another member: in the cart, too.
    answer = client_of(mallory).post(
        f"{API}/carts/{cart.public_id}/coupons", {"code": "SPRING26"}, format="json"
    )
    assert answer.status_code == 429
    assert not Coupon.objects.exists()


@pytest.mark.parametrize(
    "body", [{}, {"code": ""}, {"code": "x" * 41}, {"code": "A", "member": 1}]
)
def test_a_bad_body_is_refused(body, alice, live):
    answer = client_of(alice).post(f"{API}/me/coupon-codes", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")


def test_c20_my_coupons_beside_my_cart(alice, mallory, coupon):
    make_variant("TEA", 9_900, on_hand=9)
    cart = fill_cart({"TEA": 1}, member=alice, now=clock.now())
    path = f"{API}/carts/{cart.public_id}/my-coupons"
    [choice] = client_of(alice).get(path).json()
    assert choice["coupon"]["id"] == coupon.public_id
    assert (choice["usable"], choice["saves"]["amount"]) == (False, "0.00")
    assert choice["reason"] == {
        "code": "coupon_min_spend_not_met",
        "message": "Spend ¥1.00 more to use this coupon.",
        "params": {"missing": {"amount": "1.00", "currency": "CNY"}},
    }
    assert client_of(mallory).get(path).status_code == 404
    assert client_of(alice).get(f"{path}?all=1").status_code == 400
    cart.lines.update(quantity=2)
    [choice] = client_of(alice).get(path).json()
    assert (choice["usable"], choice["saves"]["amount"], choice["reason"]) == (
        True,
        "20.00",
        None,
    )


def test_c7_a_coupon_is_taken_back_from_an_unpaid_order(alice, mallory, coupon):
    make_variant("TEA", 20_000, on_hand=9)
    cart = fill_cart({"TEA": 1}, member=alice, now=clock.now())
    Cart.objects.update(coupon_codes=[coupon.code])
    cart.refresh_from_db()
    place(cart, now=clock.now())
    path = f"{API}/me/coupons/{coupon.public_id}/hold"
    assert client_of(mallory).delete(path).status_code == 404
    answer = client_of(alice).delete(path)
    assert (answer.status_code, answer.json()["status"]) == (200, "available")
    assert Order.objects.get().state == "cancelled"
    again = client_of(alice).delete(path)
    assert (again.status_code, again.json()["code"]) == (409, "coupon_not_held")


def test_c24_a_coupon_is_given_away(alice, mallory, coupon):
    path = f"{API}/me/coupons/{coupon.public_id}/gift"
    assert client_of(mallory).put(path).status_code == 404
    assert client_of(alice).put(path).json()["is_offered"] is True
    assert send(mallory, coupon.code).json()["id"] == coupon.public_id
    assert client_of(alice).delete(path).status_code == 404
    Coupon.objects.update(is_transferable=False)
    answer = client_of(mallory).put(path)
    assert (answer.status_code, answer.json()["code"]) == (
        422,
        "coupon_not_transferable",
    )


def test_the_claim_centre_says_why_not(alice, live):
    day = timedelta(days=1)
    now = clock.now()
    for code, changes in {
        "soon": {"starts_at": now + day},
        "gone": {"stock": 1, "issued": 1},
        "dear": {"points_price": 500},
        "over": {"ends_at": now},
        "draft": {"state": "draft"},
    }.items():
        fields = {"state": "live", "starts_at": now - day, **changes}
        CouponTemplate.objects.create(
            code=code,
            name=code,
            kind="amount",
            amount_minor=1,
            is_claimable=True,
            **fields,
        )
    client = client_of(alice)
    client.post(
        f"{API}/coupon-offers/{live.public_id}/claims",
        headers={"Idempotency-Key": "k"},
    )
    told = {
        offer["name"]: (offer["claimable"], (offer["reason"] or {}).get("code"))
        for offer in client.get(f"{API}/coupon-offers").json()["data"]
    }
    assert told == {
        "soon": (False, "coupon_not_started"),
        "gone": (False, "coupon_out_of_stock"),
        "dear": (True, None),
        "Twenty off": (False, "coupon_member_limit"),
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "me/coupon-codes"),
        ("delete", "me/coupons/cpn_X/hold"),
        ("put", "me/coupons/cpn_X/gift"),
        ("delete", "me/coupons/cpn_X/gift"),
        ("get", "carts/cart_X/my-coupons"),
    ],
)
def test_without_credentials_the_answer_is_401(method, path, db):
    answer = getattr(client_of(), method)(f"{API}/{path}")
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
