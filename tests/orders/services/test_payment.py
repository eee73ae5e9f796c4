"""The provider's messages: signed, repeated, late, out of order, wrong."""

import json
from datetime import timedelta

import pytest

from crm.shared.models import Fact
from orders.models import Order, Payment, PaymentCallback
from orders.providers.base import BadSignature, UnknownProvider
from orders.providers.test import SIGNATURE_HEADER, TestProvider, signed_message
from orders.services.cancelling import cancel_order
from orders.services.payment import (
    OrderNotPayable,
    PaymentAmountMismatch,
    UnknownPayment,
    start_payment,
    take_callback,
)
from orders.services.returning import send_due_refunds
from tests.cast import NOON
from tests.orders.shop import fill_cart, notify, place


@pytest.fixture
def order(alice, tea):
    return place(fill_cart({"TEA": 2}, member=alice))


@pytest.fixture
def payment(order):
    return start_payment(order_id=order.pk, provider="test", now=NOON)


def facts():
    return list(Fact.objects.order_by("id").values_list("name", flat=True))


def test_a_captured_payment_pays_the_order_and_sells_its_stock(order, payment, tea):
    assert payment.pay_url == f"/api/payments/test/{payment.public_id}/outcome"
    notify(payment, now=NOON + timedelta(minutes=3))
    order.refresh_from_db()
    assert (order.state, order.paid_minor) == ("paid", 20_000)
    assert order.paid_at == NOON + timedelta(minutes=3)
    payment.refresh_from_db()
    assert (payment.state, payment.provider_ref) == (
        "captured",
        f"test_{payment.public_id}",
    )
    tea.refresh_from_db()
    assert (tea.on_hand, tea.reserved) == (3, 0)
    assert facts() == ["orders.OrderPlaced", "orders.OrderPaid"]
    moves = list(order.events.order_by("id").values_list("from_state", "to_state"))
    assert moves == [("", "pending"), ("pending", "paid")]


def test_x2_the_same_message_again_changes_nothing(order, payment, tea):
    for _again in range(3):
        notify(payment)
    tea.refresh_from_db()
    assert (tea.on_hand, tea.reserved) == (3, 0)
    assert facts().count("orders.OrderPaid") == 1
    assert PaymentCallback.objects.count() == 1


def test_x2_another_message_of_the_same_capture_changes_nothing(order, payment):
    notify(payment, event_id="one")
    notify(payment, event_id="two")
    assert facts().count("orders.OrderPaid") == 1
    payment.refresh_from_db()
    assert payment.state == "captured"


@pytest.mark.parametrize("first", ["failed", "captured"])
def test_x2_failed_and_captured_in_any_order_end_paid(order, payment, first):
    second = "captured" if first == "failed" else "failed"
    notify(payment, first)
    notify(payment, second)
    order.refresh_from_db()
    payment.refresh_from_db()
    assert (order.state, payment.state) == ("paid", "captured")


def test_a_failed_payment_leaves_the_order_waiting_and_may_be_tried_again(
    order, payment
):
    notify(payment, "failed")
    order.refresh_from_db()
    assert order.state == "pending"
    second = start_payment(order_id=order.pk, provider="test", now=NOON)
    assert second.pk != payment.pk
    notify(second)
    order.refresh_from_db()
    assert order.state == "paid"


def test_starting_again_goes_on_with_the_payment_under_way(order, payment):
    again = start_payment(order_id=order.pk, provider="test", now=NOON)
    assert (again.pk, again.pay_url) == (payment.pk, payment.pay_url)
    assert Payment.objects.count() == 1


def test_only_an_order_that_waits_in_time_can_be_paid(order, payment):
    late = NOON + timedelta(minutes=30)
    with pytest.raises(OrderNotPayable):
        start_payment(order_id=order.pk, provider="test", now=late)
    notify(payment)
    with pytest.raises(OrderNotPayable):
        start_payment(order_id=order.pk, provider="test", now=NOON)


def test_money_after_the_cancellation_goes_back_whole_and_once(order, payment, tea):
    cancel_order(order_id=order.pk, actor="member", reason="", now=NOON)
    notify(payment)
    order.refresh_from_db()
    payment.refresh_from_db()
    assert (order.state, order.paid_minor, payment.state) == ("cancelled", 0, "surplus")
    tea.refresh_from_db()
    assert (tea.on_hand, tea.reserved) == (5, 0)
    assert "orders.OrderPaid" not in facts()

    assert send_due_refunds(now=NOON) == 1
    assert send_due_refunds(now=NOON + timedelta(days=1)) == 0
    payment.refresh_from_db()
    assert (payment.state, payment.refunded_minor) == ("returned", 20_000)
    assert TestProvider.given_back == {payment.public_id: 20_000}


def test_a_second_payment_of_a_paid_order_goes_back(order, payment):
    other = Payment.objects.create(
        order=order, provider="test", amount_minor=20_000, created_at=NOON
    )
    notify(payment)
    notify(other)
    other.refresh_from_db()
    assert other.state == "surplus"
    order.refresh_from_db()
    assert order.paid_minor == 20_000


def message(payment, **fields):
    given = {
        "payment_id": payment.public_id,
        "amount_minor": payment.amount_minor,
        "currency": "CNY",
    }
    return signed_message(**(given | fields))


def untouched(order):
    order.refresh_from_db()
    return order.state == "pending" and not PaymentCallback.objects.exists()


@pytest.mark.parametrize("changed", [{"amount_minor": 19_999}, {"currency": "EUR"}])
def test_another_amount_than_asked_pays_nothing(order, payment, changed):
    body, headers = message(payment, **changed)
    with pytest.raises(PaymentAmountMismatch):
        take_callback(provider="test", body=body, headers=headers, now=NOON)
    assert untouched(order)


def test_what_is_not_signed_pays_nothing(order, payment):
    body, headers = message(payment)
    forged = json.dumps(json.loads(body) | {"event_id": "other"}).encode()
    short = {SIGNATURE_HEADER: headers[SIGNATURE_HEADER][:-1]}
    for attempt in (
        (body, {}),
        (body, {SIGNATURE_HEADER: ""}),
        (body, short),
        (body, {SIGNATURE_HEADER: "v1=Ünïcode"}),
        (forged, headers),
        (body + b" ", headers),
    ):
        with pytest.raises(BadSignature):
            take_callback(
                provider="test", body=attempt[0], headers=attempt[1], now=NOON
            )
    assert untouched(order)


def test_nobody_we_know_is_refused(order, payment, settings):
    body, headers = message(payment)
    with pytest.raises(UnknownProvider):
        take_callback(provider="other", body=body, headers=headers, now=NOON)
    stranger, signed = message(payment, payment_id="pay_nobody")
    with pytest.raises(UnknownPayment):
        take_callback(provider="test", body=stranger, headers=signed, now=NOON)
    settings.IS_PRODUCTION = True
    with pytest.raises(UnknownProvider):
        take_callback(provider="test", body=body, headers=headers, now=NOON)
    assert untouched(order)
    assert Order.objects.count() == 1
