"""A member's orders and their payments by HTTP."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from crm.shared import clock
from orders.models import Order, Payment
from orders.providers.test import SIGNATURE_HEADER, signed_message
from orders.queries.orders import orders_of
from orders.services.reviewing import write_review
from orders.services.shipping import ship
from tests.cast import make_variant
from tests.orders.api.conftest import ROOT
from tests.orders.api.test_cart import problem
from tests.orders.shop import Off, Offers, fill_cart, pay, place


@pytest.fixture
def order(alice, tea):
    now = clock.now()
    return place(fill_cart({"TEA": 1}, member=alice, now=now), now=now)


def mine(order, rest=""):
    return f"{ROOT}/me/orders/{order.public_id}{rest}"


def payments(order):
    return f"{ROOT}/orders/{order.public_id}/payments"


def test_orders_newest_first_by_status(as_alice, as_mallory, order, alice, cup):
    later = order.placed_at + timedelta(minutes=1)
    second = place(fill_cart({"CUP": 2}, member=alice, now=later), now=later)
    pay(second, now=later)
    listed = as_alice.get(f"{ROOT}/me/orders").json()["data"]
    assert [each["id"] for each in listed] == [second.public_id, order.public_id]
    assert listed[0]["paid"] == {"amount": "66.66", "currency": "CNY"}
    paid = as_alice.get(f"{ROOT}/me/orders?status=paid").json()["data"]
    assert [each["id"] for each in paid] == [second.public_id]
    problem(as_alice.get(f"{ROOT}/me/orders?status=lost"), 400, "validation_error")
    problem(as_alice.get(f"{ROOT}/me/orders?state=paid"), 400, "unknown_parameter")
    assert as_mallory.get(f"{ROOT}/me/orders").json()["data"] == []


def test_orders_by_group_and_by_day_of_the_shop(as_alice, alice, cup):
    # Late on the 20th in London is the 21st in Shanghai.
    night = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
    first = place(fill_cart({"CUP": 1}, member=alice, now=night), now=night)
    second = place(fill_cart({"CUP": 2}, member=alice, now=night), now=night)
    pay(second, now=night)

    def asked(query: str) -> set[str]:
        answer = as_alice.get(f"{ROOT}/me/orders?{query}")
        assert answer.status_code == 200, answer.content
        return {each["id"] for each in answer.json()["data"]}

    both = {first.public_id, second.public_id}
    assert asked("group=to_pay") == {first.public_id}
    assert asked("group=to_ship") == {second.public_id}
    assert asked("status=pending,paid") == both
    assert asked("group=to_ship&status=pending") == set()
    assert asked("placed_from=2026-11-21&placed_until=2026-11-21") == both
    assert asked("placed_until=2026-11-20") == asked("placed_from=2026-11-22") == set()
    for wrong in (
        "group=lost",
        "status=paid,",
        "placed_from=x",
        "placed_until=9999-12-31",
    ):
        answer = as_alice.get(f"{ROOT}/me/orders?{wrong}")
        problem(answer, 400, "validation_error")


def test_an_order_in_detail(as_alice, order, alice, cup, tea):
    Offers.offers.append(Off("ten", 1_000))
    now = clock.now()
    bought = place(fill_cart({"TEA": 1, "CUP": 3}, member=alice, now=now), now=now)
    Order.objects.filter(pk=bought.pk).update(campaign="autumn", device="phone")
    payment = pay(bought, now=now)
    parcel = ship(
        order_id=bought.pk,
        items={1: 1, 2: 2},
        carrier="SF",
        tracking="SF77",
        actor="key:key_1",
        now=now,
    )
    body = as_alice.get(mine(bought)).json()
    assert (body["status"], body["campaign"], body["device"]) == (
        "partly_shipped",
        "autumn",
        "phone",
    )
    (offer,) = body["offers"]
    assert offer["id"] == "ten"
    assert offer["amount"] == {"amount": "10.00", "currency": "CNY"}
    assert [(s["position"], s["amount"]["amount"]) for s in offer["shares"]] == [
        (1, "5.00"),
        (2, "5.00"),
    ]
    assert body["tenders"] == [
        {
            "id": payment.public_id,
            "provider": "test",
            "tender": "",
            "status": "captured",
            "amount": {"amount": "189.99", "currency": "CNY"},
            "refunded": {"amount": "0.00", "currency": "CNY"},
            "captured_at": body["tenders"][0]["captured_at"],
        }
    ]
    assert body["shipments"] == [
        {
            "id": parcel.public_id,
            "status": "sent",
            "carrier": "SF",
            "tracking": "SF77",
            "items": [{"position": 1, "quantity": 1}, {"position": 2, "quantity": 2}],
            "sent_at": body["shipments"][0]["sent_at"],
            "delivered_at": None,
        }
    ]
    assert [line["shipped_quantity"] for line in body["items"]] == [1, 2]
    assert body["can"] == {
        "cancel": False,
        "pay": False,
        "confirm": False,
        "return": True,
        "review": False,
    }
    waiting = as_alice.get(mine(order)).json()["can"]
    assert [deed for deed, yes in waiting.items() if yes] == ["cancel", "pay"]


def test_an_order_in_detail_takes_a_fixed_number_of_statements(
    as_alice, alice, django_assert_num_queries
):
    Offers.offers.append(Off("ten", 1_000))
    now = clock.now()
    units = {f"V{number}": 2 for number in range(8)}
    for sku in units:
        make_variant(sku, 1_000)
    order = place(fill_cart(units, member=alice, now=now), now=now)
    pay(order, now=now)
    for position in range(1, 9):
        ship(order_id=order.pk, items={position: 1}, actor="key:key_1", now=now)
    # Who asks, order.
    with django_assert_num_queries(2):
        assert len(as_alice.get(mine(order)).json()["shipments"]) == 8


def test_the_buyer_confirms(as_alice, as_mallory, visitor, order):
    url = mine(order, "/confirm")
    problem(as_alice.post(url, {}, format="json"), 409, "order_not_confirmable")
    now = clock.now()
    pay(order, now=now)
    ship(order_id=order.pk, items={1: 1}, actor="key:key_1", now=now)
    problem(as_mallory.post(url, {}, format="json"), 404, "not_found")
    problem(visitor.post(url, {}, format="json"), 401, "not_authenticated")
    problem(as_alice.post(url, {"stars": 5}, format="json"), 400, "validation_error")
    order.refresh_from_db()
    assert order.state == "shipped"
    for _again in range(2):
        answer = as_alice.post(url, {}, format="json")
        assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    body = answer.json()
    assert body["delivered_at"] == body["closed_at"]
    assert [deed for deed, yes in body["can"].items() if yes] == ["return", "review"]
    assert body["shipments"][0]["status"] == "delivered"


def test_orders_of_other_systems_are_paid_and_cancelled_there(as_alice, order):
    Order.objects.filter(pk=order.pk).update(source="erp")
    cancelling = as_alice.post(mine(order, "/cancel"), {}, format="json")
    problem(cancelling, 409, "order_not_cancellable")
    paying = as_alice.post(payments(order), {"provider": "test"}, format="json")
    problem(paying, 409, "order_not_payable")
    assert not any(as_alice.get(mine(order)).json()["can"].values())
    order.refresh_from_db()
    assert order.state == "pending"


def test_a_page_takes_a_fixed_number_of_statements(
    as_alice, alice, django_assert_num_queries
):
    now = clock.now()
    for number in range(6):
        make_variant(f"V{number}", 100)
        place(fill_cart({f"V{number}": 1}, member=alice, now=now), now=now)
    # Who asks, orders.
    with django_assert_num_queries(2):
        assert len(as_alice.get(f"{ROOT}/me/orders").json()["data"]) == 6


def test_all_of_them_are_counted_by_an_index_alone(alice):
    """A join brings what is shown, so counting does without it (P5-c)."""
    text, params = orders_of(member_id=alice.pk).keys()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {text} LIMIT 1001", params)
        plan = "\n".join(row for (row,) in cursor.fetchall())
    assert "Index Only Scan using order_by_member" in plan


def test_foreign_and_missing_orders_are_not_there(as_mallory, visitor, order):
    for answer in (
        as_mallory.get(mine(order)),
        as_mallory.post(mine(order, "/cancel"), {}, format="json"),
        as_mallory.post(payments(order), {"provider": "test"}, format="json"),
        as_mallory.get(f"{ROOT}/me/orders/ord_none"),
    ):
        problem(answer, 404, "not_found")
    for answer in (
        visitor.get(f"{ROOT}/me/orders"),
        visitor.get(mine(order)),
        visitor.post(mine(order, "/cancel"), {}, format="json"),
        visitor.post(payments(order), {"provider": "test"}, format="json"),
    ):
        problem(answer, 401, "not_authenticated")
        assert "WWW-Authenticate" in answer
    order.refresh_from_db()
    assert order.state == "pending"
    assert not Payment.objects.exists()


def test_an_unpaid_order_is_cancelled_a_paid_one_is_not(as_alice, order, alice, cup):
    answer = as_alice.post(mine(order, "/cancel"), {"reason": "no"}, format="json")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert as_alice.post(mine(order, "/cancel"), {}, format="json").status_code == 200
    now = clock.now()
    paid = place(fill_cart({"CUP": 1}, member=alice, now=now), now=now)
    pay(paid, now=now)
    problem(
        as_alice.post(mine(paid, "/cancel"), {}, format="json"),
        409,
        "order_not_cancellable",
    )
    problem(
        as_alice.post(mine(paid, "/cancel"), {"refund": True}, format="json"),
        400,
        "validation_error",
    )


def test_paying_by_the_test_gateway(as_alice, visitor, order):
    started = as_alice.post(payments(order), {"provider": "test"}, format="json")
    assert started.status_code == 201
    body = started.json()
    assert (body["status"], body["amount"]["amount"]) == ("pending", "100.00")
    again = as_alice.post(payments(order), {"provider": "test"}, format="json")
    assert again.json() == body
    problem(
        as_alice.post(payments(order), {"provider": "gold"}, format="json"),
        422,
        "unknown_payment_provider",
    )
    problem(
        visitor.post(body["pay_url"], {"outcome": "maybe"}, format="json"),
        400,
        "validation_error",
    )
    paid = visitor.post(body["pay_url"], {"outcome": "captured"}, format="json")
    assert paid.json() == {"received": True}
    assert as_alice.get(mine(order)).json()["status"] == "paid"
    problem(
        as_alice.post(payments(order), {"provider": "test"}, format="json"),
        409,
        "order_not_payable",
    )


def test_the_outcome_door_is_closed_in_production(visitor, order, settings):
    settings.IS_PRODUCTION = True
    problem(
        visitor.post(
            "/api/payments/test/pay_x/outcome", {"outcome": "captured"}, format="json"
        ),
        422,
        "unknown_payment_provider",
    )


def callback(client, body: bytes, headers: dict, provider: str = "test"):
    return client.post(
        f"/api/payments/{provider}/callbacks",
        data=body,
        content_type="application/json",
        headers=headers,
    )


def test_callbacks_are_believed_by_their_signature_alone(as_alice, visitor, order):
    started = as_alice.post(payments(order), {"provider": "test"}, format="json").json()
    body, headers = signed_message(
        payment_id=started["id"], amount_minor=10_000, currency="CNY"
    )
    problem(callback(visitor, body, {}), 403, "invalid_signature")
    forged = {SIGNATURE_HEADER: "v1=" + "0" * 64}
    problem(callback(visitor, body, forged), 403, "invalid_signature")
    problem(callback(as_alice, body + b" ", headers), 403, "invalid_signature")
    problem(callback(visitor, body, headers, "gold"), 422, "unknown_payment_provider")
    order.refresh_from_db()
    assert order.state == "pending"

    for _again in range(3):
        assert callback(visitor, body, headers).json() == {"received": True}
    assert as_alice.get(mine(order)).json()["status"] == "paid"
    assert Order.objects.get().paid_minor == 10_000


def test_a_callback_that_is_too_large_or_no_message_is_refused(visitor, order):
    problem(callback(visitor, b"x" * 300_000, {}), 413, "body_too_large")
    problem(callback(visitor, b"\xff\x00", {}), 403, "invalid_signature")
    answer = visitor.get("/api/payments/test/callbacks")
    assert answer.status_code == 405


def test_what_a_buyer_may_do_ends_with_time_and_a_review(as_alice, alice, order):
    now = clock.now()
    pay(order, now=now)
    delivered = Order.objects.filter(pk=order.pk)
    delivered.update(state="delivered", delivered_at=now)

    def can() -> list[str]:
        body = as_alice.get(mine(order)).json()
        return [deed for deed, yes in body["can"].items() if yes]

    assert can() == ["confirm", "return", "review"]
    for line in order.lines.select_related("order", "variant"):
        line.order.state = "delivered"
        write_review(member_id=alice.pk, line=line, rating=5, text="", now=now)
    assert can() == ["confirm", "return"]
    delivered.update(delivered_at=now - timedelta(days=16))
    assert can() == ["confirm"]
