"""A till tells of a sale again and again; the member earns once, and pays back once."""

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from campaigns.models import Message
from crm.shared import clock
from crm.shared.models import Delivery
from crm.shared.outbox import drain
from crm.shared.server_keys import make_server_key
from loyalty.models import PointsAccount, PointsEntry
from members.models import Member
from orders.models import Order
from orders.services.shipping import ship
from orders.tasks import send_refunds
from tests.cast import make_variant
from tests.orders.shop import fill_cart, pay, place

ROOT = "/api/server/v1"


def cny(amount: str) -> dict:
    return {"amount": amount, "currency": "CNY"}


@pytest.fixture
def till(db):
    scopes = ["members:write", "orders:read", "orders:write"]
    _key, secret = make_server_key(
        name="till", scopes=scopes, actor="tests", now=clock.now()
    )
    return APIClient(headers={"Authorization": f"Bearer {secret}"})


def work() -> None:
    drain(now=clock.now())
    send_refunds()
    drain(now=clock.now())


def sale(state: str = "completed") -> dict:
    at = (clock.now() - timedelta(hours=1)).replace(microsecond=0)
    return {
        "state": state,
        "member": {"external_id": "c-1"},
        "placed_at": at.isoformat(),
        "paid_at": at.isoformat(),
        "lines": [{"sku": "TEA", "quantity": 2, "unit_price": cny("100.00")}],
        "total": cny("200.00"),
        "tenders": [{"name": "cash", "amount": cny("200.00")}],
        "create_products": True,
    }


def test_a_sale_told_three_times_earns_once_and_its_refund_takes_back_once(till):
    joined = till.put(f"{ROOT}/members/pos/c-1", {"name": "王静"}, format="json")
    assert joined.status_code == 201
    work()
    told = sale()
    url = f"{ROOT}/orders/pos/S-1"
    for _again in range(3):
        assert till.put(url, told, format="json").status_code in {200, 201}
        work()
    member = Member.objects.get()
    earned = PointsEntry.objects.get(account_id=member.pk, kind=PointsEntry.Kind.EARN)
    assert earned.points > 0
    back = {
        "external_ref": "R-1",
        "items": [{"position": 1, "quantity": 2}],
        "amount": cny("200.00"),
    }
    for _again in range(3):
        answer = till.post(f"{url}/refunds", back, format="json")
        assert answer.status_code in {200, 201}, answer.content
        work()
    assert Order.objects.get().state == "refunded"
    assert PointsAccount.objects.get(pk=member.pk).balance == 0
    assert till.put(url, told, format="json").status_code == 200
    work()
    assert PointsAccount.objects.get(pk=member.pk).balance == 0
    assert not Delivery.objects.exclude(state="done").exists()
    assert not Message.objects.filter(template="order_shipped").exists()


def test_the_buyer_hears_of_each_parcel_once(alice):
    alice.email = "alice@example.com"
    alice.language = "en"
    alice.save()
    make_variant("TEA", 10_000)
    now = clock.now()
    order = place(fill_cart({"TEA": 2}, member=alice, now=now), now=now)
    pay(order, now=now)
    for tracking in ("SF1", "SF2"):
        ship(
            order_id=order.pk,
            items={1: 1},
            carrier="SF",
            tracking=tracking,
            actor="key:key_1",
            now=now,
        )
    work()
    work()
    told = Message.objects.filter(template="order_shipped").order_by("id")
    assert sorted((m.channel, "SF1" in m.body) for m in told) == [
        ("email", False),
        ("email", True),
        ("in_app", False),
        ("in_app", True),
    ]
    first = next(m for m in told if "SF1" in m.body)
    assert first.body == (
        f"A parcel of your order {order.number} has left us. Carrier: SF. "
        "Tracking number: SF1."
    )


def test_a_gift_card_is_completed_by_its_payment(alice):
    make_variant("CARD", 5_000, kind="gift_card")
    now = clock.now()
    order = place(fill_cart({"CARD": 1}, member=alice, now=now), now=now)
    pay(order, now=now)
    work()
    order.refresh_from_db()
    assert order.state == "completed"
    assert not Delivery.objects.exclude(state="done").exists()
