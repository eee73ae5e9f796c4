"""One member's story across every app: joins, buys, pays, rises, sends back.

The buyer, the payment gateway and the staff member who refunds speak HTTP only.
Workers are played by ``drain`` and the task that sends refunds.
"""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from campaigns.models import CouponTemplate, Message, Promotion
from campaigns.tasks import send_messages
from crm.console.services.roles import sync_roles
from crm.shared import clock
from crm.shared.models import Delivery
from crm.shared.money import parse_amount
from crm.shared.outbox import drain
from orders.models import Order, Refund, Variant
from orders.providers.test import TestProvider, signed_message
from orders.tasks import send_refunds
from tests.campaigns.recipes import ladder
from tests.cast import make_user, make_variant

API = "/api/storefront/v1"
ADDRESS = "xiaoman@example.com"


def yuan(text: str) -> dict:
    return {"amount": text, "currency": "CNY"}


@pytest.fixture
def shop(db, monkeypatch):
    """Milk powder at 299.00, 50.00 off from 300.00, and two kinds of coupons."""
    monkeypatch.setattr(TestProvider, "given_back", {})
    since = clock.now() - timedelta(days=1)
    make_variant("MILK-900", 29_900, on_hand=10)
    Promotion.objects.create(
        name="满300减50",
        name_en="50 off from 300",
        state="live",
        **ladder((30_000, 5_000)),
        starts_at=since,
    )
    CouponTemplate.objects.create(
        code="welcome",
        name="新人券",
        name_en="Welcome",
        state="live",
        kind="amount",
        amount_minor=2_000,
        min_spend_minor=10_000,
        is_claimable=True,
        starts_at=since,
    )
    CouponTemplate.objects.create(
        code="silver-gift",
        name="白银礼券",
        name_en="Silver gift",
        state="live",
        kind="amount",
        amount_minor=3_000,
        for_tier="silver",
        starts_at=since,
    )


class Buyer:
    """Somebody with a phone: every step is a request."""

    def __init__(self):
        self.client = APIClient()
        self.keys = iter(range(1000))

    def join(self) -> None:
        answer = self.client.post(
            "/_allauth/app/v1/auth/signup",
            {"email": ADDRESS, "password": "milk-and-honey-7"},
            format="json",
        )
        assert answer.status_code == 200, answer.content
        token = answer.json()["meta"]["session_token"]
        self.client = APIClient(headers={"Authorization": f"Bearer {token}"})

    def get(self, path: str) -> dict:
        answer = self.client.get(f"{API}{path}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def send(self, path: str, body: dict, method: str = "post") -> dict:
        answer = getattr(self.client, method)(
            f"{API}{path}",
            body,
            format="json",
            headers={"Idempotency-Key": f"key-{next(self.keys)}"},
        )
        assert answer.status_code in {200, 201}, answer.content
        return answer.json()

    def claim_welcome_coupon(self) -> str:
        (offer,) = self.get("/coupon-offers")["data"]
        return self.send(f"/coupon-offers/{offer['id']}/claims", {})["code"]

    def order(self, cart: dict) -> dict:
        body = {"expected_total": cart["totals"]["total"]}
        return self.send(f"/carts/{cart['id']}/checkout", body)


def gateway_tells(payment: dict, times: int = 1) -> None:
    """Deliver the gateway's signed message, as often as it likes."""
    minor = parse_amount(payment["amount"]["amount"], "CNY")
    body, headers = signed_message(
        payment_id=payment["id"], amount_minor=minor, currency="CNY"
    )
    for _again in range(times):
        answer = APIClient().post(
            "/api/payments/test/callbacks",
            data=body,
            content_type="application/json",
            headers=headers,
        )
        assert answer.json() == {"received": True}


def workers_run() -> None:
    send_refunds()
    drain(now=clock.now())
    send_messages()
    assert not Delivery.objects.exclude(state=Delivery.State.DONE).exists()


@pytest.fixture
def support(db) -> Client:
    """Return a browser in which somebody of the support team signed in."""
    sync_roles()
    make_user("dana", is_staff=True).groups.add(Group.objects.get(name="support"))
    browser = Client()
    browser.post(
        reverse("admin:login"), {"username": "dana", "password": "pass-phrase-1"}
    )
    return browser


def refund_a_tin(support: Client, order_id: str) -> None:
    """Fill in the console's refund page and send it, clicking twice."""
    order = Order.objects.get(public_id=order_id)
    page = reverse("admin:order_refund", args=[order.pk])
    key = support.get(page).context["request_key"]
    form = {"units-1": "1", "reason": "damaged", "request_key": key}
    effect = support.post(page + "?preview=1", form)
    form["quote_hash"] = effect.context["quote"].hash
    for _click in range(2):
        answer = support.post(page, form)
        assert answer.status_code == 302, answer.content.decode()


def test_one_order_through_the_house(shop, support):
    # Joining opens an account in the lowest tier.
    buyer = Buyer()
    buyer.join()
    workers_run()
    assert buyer.get("/me/loyalty")["tier"]["code"] == "member"
    code = buyer.claim_welcome_coupon()

    # Two tins: 598.00, less 50.00 from 300.00 on, less a coupon of 20.00.
    cart = buyer.send("/carts", {})
    buyer.send(f"/carts/{cart['id']}/items", {"sku": "MILK-900", "quantity": 2})
    cart = buyer.send(f"/carts/{cart['id']}/coupons", {"code": code})
    assert cart["totals"] == {
        "goods": yuan("598.00"),
        "discount": yuan("70.00"),
        "freight": yuan("0.00"),
        "total": yuan("528.00"),
    }
    assert [each["type"] for each in cart["discounts"]] == ["promotion", "coupon"]
    order = buyer.order(cart)
    assert order["status"] == "pending"
    assert [each["status"] for each in buyer.get("/me/coupons")["data"]] == ["held"]
    milk = Variant.objects.get(sku="MILK-900")
    assert (milk.on_hand, milk.reserved) == (10, 2)

    # Paid: the gateway says so three times, it counts once.
    payment = buyer.send(f"/orders/{order['id']}/payments", {"provider": "test"})
    gateway_tells(payment, times=3)
    workers_run()
    assert buyer.get(f"/me/orders/{order['id']}")["status"] == "paid"
    milk.refresh_from_db()
    assert (milk.on_hand, milk.reserved) == (8, 0)

    # 528 points at 1.0 times; 528.00 reaches silver; silver brings a coupon and news.
    assert buyer.get("/me/points")["available"] == 528
    loyalty = buyer.get("/me/loyalty")
    assert loyalty["tier"]["code"] == "silver"
    assert loyalty["progress"]["remaining"] == yuan("472.00")
    (gift,) = buyer.get("/me/coupons")["data"]
    assert gift["name"] == "Silver gift"
    used = buyer.get("/me/coupons?status=used")["data"]
    assert [each["code"] for each in used] == [code]
    channels = Message.objects.filter(dedupe_key__contains=gift["id"])
    assert set(channels.values_list("channel", flat=True)) == {"in_app", "email"}
    news = buyer.get("/me/notifications")["data"]
    assert any(gift["code"] in each["body"] for each in news)

    # One tin more, 300 points pay 3.00; silver earns 1.2 times 296.00: 355 points.
    cart = buyer.send("/carts", {})
    buyer.send(f"/carts/{cart['id']}/items", {"sku": "MILK-900"})
    cart = buyer.send(f"/carts/{cart['id']}/points", {"points": 300}, method="put")
    assert (cart["points_spent"], cart["totals"]["total"]) == (300, yuan("296.00"))
    second = buyer.order(cart)
    assert buyer.get("/me/points")["available"] == 228
    payment = buyer.send(f"/orders/{second['id']}/payments", {"provider": "test"})
    gateway_tells(payment)
    workers_run()
    points = buyer.get("/me/points")
    assert (points["available"], points["frozen"]) == (228 + 355, 0)

    # One of the two tins comes back: half its money, half its points.
    refund_a_tin(support, order["id"])
    assert buyer.get("/me/points")["available"] == 583
    workers_run()
    seen = buyer.get(f"/me/orders/{order['id']}")
    assert (seen["status"], seen["refunded"]) == ("paid", yuan("264.00"))
    refund = Refund.objects.get()
    assert TestProvider.given_back == {refund.public_id: 26_400}
    assert buyer.get("/me/points")["available"] == 583 - 264
    loyalty = buyer.get("/me/loyalty")
    assert loyalty["progress"]["current"] == yuan("560.00")
    assert loyalty["tier"]["code"] == "silver"
    assert [each["name"] for each in buyer.get("/me/coupons")["data"]] == [
        "Silver gift"
    ]

    # And the other: the coupon returns, silver is undone, what was spent is exact.
    refund_a_tin(support, order["id"])
    workers_run()
    seen = buyer.get(f"/me/orders/{order['id']}")
    assert (seen["status"], seen["refunded"]) == ("refunded", yuan("528.00"))
    assert buyer.get("/me/points")["available"] == 355 + 228 - 528
    loyalty = buyer.get("/me/loyalty")
    assert (loyalty["tier"]["code"], loyalty["progress"]["current"]) == (
        "member",
        yuan("296.00"),
    )
    names = {each["name"] for each in buyer.get("/me/coupons")["data"]}
    assert names == {"Silver gift", "Welcome"}
