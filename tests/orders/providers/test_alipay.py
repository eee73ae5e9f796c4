"""Alipay against a gateway that checks our signatures and signs its own words."""

import logging
from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qsl, urlencode

import pytest
from django.core.exceptions import ImproperlyConfigured
from environ import Env
from rest_framework.test import APIClient

from crm.shared.models import Fact
from members.providers import outbound
from orders.models import Payment, PaymentCallback
from orders.providers.alipay import AlipayPayments
from orders.providers.base import (
    BadSignature,
    NotForUs,
    ProviderUnavailable,
    UnknownProvider,
    provider_of,
)
from orders.providers.configuration import alipay_account
from orders.services.cancelling import cancel_order
from orders.services.payment import (
    PaymentAmountMismatch,
    UnknownPayment,
    start_payment,
    take_callback,
)
from orders.services.reconciling import ask_about_payments
from orders.services.refunding import refund_order
from orders.services.returning import send_due_refunds
from tests.cast import NOON
from tests.members.providers.servers import make_key
from tests.orders.providers.servers import APP, SELLER
from tests.orders.shop import fill_cart, place

URL = "/api/payments/alipay/callbacks"
SOON, LATER = NOON + timedelta(minutes=3), NOON + timedelta(hours=3)


@pytest.fixture
def order(alice, tea):
    return place(fill_cart({"TEA": 2}, member=alice))


@pytest.fixture
def payment(order, alipay):
    return start_payment(order_id=order.pk, provider="alipay", now=NOON)


@pytest.fixture
def trade(payment, alipay):
    """A trade the buyer has opened and paid; nobody told the shop."""
    opened = alipay.open_page(payment.pay_url)
    opened.status = "TRADE_SUCCESS"
    return opened


def tell(alipay, trade, *, now=NOON, **changed):
    body = alipay.notice(trade, **changed)
    return take_callback(provider="alipay", body=body, headers={}, now=now)


def state(row):
    row.refresh_from_db()
    return row.state


def paid_facts():
    return Fact.objects.filter(name="orders.OrderPaid").count()


def asked(alipay, method):
    return [form for _path, form in alipay.seen if form.get("method") == method]


# --- Paying -------------------------------------------------------------------


def test_the_buyer_pays_on_a_page_we_signed(payment, alipay, settings):
    trade = alipay.open_page(payment.pay_url)
    assert (trade.out_trade_no, trade.total) == (payment.public_id, Decimal("200.00"))
    assert trade.notify_url == f"{settings.PUBLIC_URL}{URL}"
    assert payment.provider_ref is None
    # Signing asks nobody: Alipay may be down while the buyer chooses it.
    assert [path for path, _form in alipay.seen] == ["page"]


def test_a_notification_pays_the_order(order, payment, trade, alipay):
    answer = APIClient().post(
        URL, alipay.notice(trade), content_type="application/x-www-form-urlencoded"
    )
    assert (answer.status_code, answer.content) == (200, b"success")
    assert answer["Content-Type"].startswith("text/plain")
    assert (state(order), state(payment)) == ("paid", "captured")
    assert payment.provider_ref == trade.trade_no
    assert payment.ask_due_at is None


def test_x2_the_same_notification_again_is_answered_and_changes_nothing(
    order, trade, alipay
):
    body = alipay.notice(trade)
    for _again in range(3):
        taken = take_callback(provider="alipay", body=body, headers={}, now=NOON)
    assert (state(taken), paid_facts(), PaymentCallback.objects.count()) == (
        *("captured", 1),
        1,
    )


def test_x2_notifications_out_of_order_end_paid(order, payment, trade, alipay):
    tell(alipay, trade)
    tell(alipay, trade, trade_status="WAIT_BUYER_PAY")
    tell(alipay, trade, trade_status="TRADE_CLOSED")
    tell(alipay, trade, trade_status="TRADE_FINISHED")
    assert (state(order), state(payment), paid_facts()) == ("paid", "captured", 1)


def test_a_buyer_who_only_looks_has_not_paid(order, payment, trade, alipay):
    tell(alipay, trade, trade_status="WAIT_BUYER_PAY")
    assert (state(order), state(payment)) == ("pending", "pending")
    assert not PaymentCallback.objects.exists()


def test_a_closed_trade_is_a_failed_payment(order, payment, trade, alipay):
    tell(alipay, trade, trade_status="TRADE_CLOSED")
    assert (state(order), state(payment)) == ("pending", "failed")


def test_a_late_notification_is_money_that_goes_back(order, payment, trade, alipay):
    cancel_order(order_id=order.pk, actor="member", reason="", now=NOON)
    tell(alipay, trade, now=LATER)
    assert (state(order), state(payment)) == ("cancelled", "surplus")
    assert send_due_refunds(now=LATER) == 1
    assert state(payment) == "returned"
    assert trade.refunds == {payment.public_id: Decimal("200.00")}


# --- Messages that are not what they say --------------------------------------


def untouched(order, payment):
    return (state(order), state(payment)) == ("pending", "pending") and not (
        PaymentCallback.objects.exists()
    )


def test_forged_notifications_pay_nothing(order, payment, trade, alipay):
    good = alipay.notice(trade)
    form = dict(parse_qsl(good.decode(), keep_blank_values=True))
    alipay.signing_key = make_key()
    for body in (
        urlencode({**form, "total_amount": "0.01"}).encode(),
        urlencode({**form, "buyer_id": "2088"}).encode(),
        urlencode({k: v for k, v in form.items() if k != "passback_params"}).encode(),
        urlencode({**form, "sign": ""}).encode(),
        urlencode({**form, "sign": "茶"}).encode(),
        urlencode({**form, "sign_type": "RSA"}).encode(),
        good + b"&trade_status=TRADE_SUCCESS",
        good + b"&trade_status=TRADE_CLOSED",
        good[:-2],
        b"",
        b"\xff\xfe",
        b'{"out_trade_no": 1}',
        b"&".join([b"a=1"] * 200),
        alipay.notice(trade),
    ):
        with pytest.raises(BadSignature):
            take_callback(provider="alipay", body=body, headers={}, now=NOON)
    assert untouched(order, payment)
    answer = APIClient().post(
        URL, good[:-2], content_type="application/x-www-form-urlencoded"
    )
    assert (answer.status_code, b"success" in answer.content) == (403, False)


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"app_id": "2021000000000008"}, NotForUs),
        ({"seller_id": "2088100000000008"}, NotForUs),
        ({"total_amount": "199.99"}, PaymentAmountMismatch),
        ({"out_trade_no": "pay_nobody"}, UnknownPayment),
        ({"total_amount": "1e3"}, BadSignature),
        ({"trade_status": "TRADE_MAYBE"}, BadSignature),
        ({"trade_no": ""}, BadSignature),
    ],
)
def test_signed_and_still_not_for_this_payment(
    order, payment, trade, alipay, changed, refusal
):
    with pytest.raises(refusal):
        tell(alipay, trade, **changed)
    assert untouched(order, payment)


def test_a_shop_without_an_account_does_not_offer_it(order, settings):
    settings.ALIPAY_PAYMENTS = None
    with pytest.raises(UnknownProvider):
        provider_of("alipay")
    with pytest.raises(UnknownProvider):
        start_payment(order_id=order.pk, provider="alipay", now=NOON)
    assert not Payment.objects.exists()


# --- Asking -------------------------------------------------------------------


def test_a_lost_notification_is_asked_for(order, payment, trade, alipay):
    assert ask_about_payments(now=NOON) == 0
    assert ask_about_payments(now=SOON) == 1
    assert (state(order), state(payment)) == ("paid", "captured")
    assert payment.provider_ref == trade.trade_no
    # The notification comes after all.
    tell(alipay, trade, now=LATER)
    assert paid_facts() == 1


def test_nobody_opened_the_page(order, payment, alipay):
    assert ask_about_payments(now=SOON) == 0
    assert (state(order), state(payment), payment.ask_attempts) == (
        *("pending", "pending"),
        1,
    )


def test_paid_in_the_last_second_and_the_notification_lost(
    order, payment, trade, alipay
):
    cancel_order(order_id=order.pk, actor="deadline", reason="", now=NOON)
    assert ask_about_payments(now=SOON) == 1
    assert state(payment) == "surplus"
    assert send_due_refunds(now=SOON) == 1
    assert trade.refunds == {payment.public_id: Decimal("200.00")}


@pytest.mark.parametrize(
    "fault", ["malformed", "unsigned", "broken", "redirect", "html", "huge"]
)
def test_no_good_answer_is_no_answer(order, payment, trade, alipay, fault):
    alipay.fault = fault
    assert ask_about_payments(now=SOON) == 0
    assert untouched(order, payment)
    alipay.fault = ""
    assert ask_about_payments(now=LATER) == 1
    assert state(order) == "paid"


def test_an_answer_somebody_else_signed_is_no_answer(order, payment, trade, alipay):
    alipay.signing_key = make_key()
    assert ask_about_payments(now=SOON) == 0
    assert untouched(order, payment)


def test_a_gateway_that_takes_too_long_is_cut_off(
    order, payment, trade, alipay, monkeypatch
):
    monkeypatch.setattr(outbound, "DEADLINE_SECONDS", 0.3)
    alipay.fault = "silent"
    assert ask_about_payments(now=SOON) == 0
    assert untouched(order, payment)


def test_an_answer_about_another_trade_is_none(payment, trade, alipay, monkeypatch):
    trade.out_trade_no = "pay_other"
    with pytest.raises(ProviderUnavailable):
        AlipayPayments().query(
            payment_id=payment.public_id, amount_minor=20_000, currency="CNY"
        )


# --- Giving back --------------------------------------------------------------


@pytest.fixture
def refund(order, trade, alipay):
    tell(alipay, trade)
    return refund_order(
        order_id=order.pk,
        items={1: 1},
        reason="broken",
        actor="tests",
        request_key="k",
        now=NOON,
    )


def test_a_refund_goes_back_by_its_key(refund, trade):
    assert send_due_refunds(now=NOON) == 1
    assert state(refund) == "completed"
    assert trade.refunds == {refund.public_id: Decimal("100.00")}


@pytest.mark.parametrize("fault", ["malformed", "unsigned", "broken"])
def test_r18_an_answer_that_was_lost_pays_once(refund, trade, alipay, fault):
    """Alipay has paid, we did not hear it: asked again with the same key, once."""
    alipay.fault = fault
    assert send_due_refunds(now=NOON) == 0
    assert trade.refunds == {refund.public_id: Decimal("100.00")}
    alipay.fault = ""
    assert send_due_refunds(now=LATER) == 1
    assert state(refund) == "completed"
    assert trade.refunds == {refund.public_id: Decimal("100.00")}
    keys = {
        form["biz_content"].split('"out_request_no":"')[1].split('"')[0]
        for form in asked(alipay, "alipay.trade.refund")
    }
    assert keys == {refund.public_id}


def test_nothing_moved_is_looked_into(refund, trade, alipay):
    alipay.says_nothing_moved = True
    assert send_due_refunds(now=NOON) == 1
    assert state(refund) == "completed"
    assert len(asked(alipay, "alipay.trade.fastpay.refund.query")) == 1


@pytest.mark.parametrize(
    "sub_code", ["ACQ.SYSTEM_ERROR", "ACQ.SELLER_BALANCE_NOT_ENOUGH", "isp.unknown"]
)
def test_what_may_pass_is_tried_again(refund, trade, alipay, sub_code):
    alipay.next_refunds = [sub_code]
    assert send_due_refunds(now=NOON) == 0
    assert (state(refund), trade.refunds) == ("requested", {})
    assert send_due_refunds(now=LATER) == 1
    assert state(refund) == "completed"


def test_a_no_that_lasts_is_left_to_staff(refund, trade, alipay):
    alipay.next_refunds = ["ACQ.TRADE_HAS_FINISHED"]
    assert send_due_refunds(now=NOON) == 1
    assert (state(refund), trade.refunds) == ("requested", {})
    assert refund.tenders.get().state == "refused"


def test_a_no_for_what_was_paid_already_is_a_yes(refund, trade, alipay):
    trade.refunds[refund.public_id] = Decimal("100.00")
    alipay.next_refunds = ["ACQ.TRADE_STATUS_ERROR"]
    assert send_due_refunds(now=NOON) == 1
    assert state(refund) == "completed"


def test_logs_hold_codes_and_no_secrets(refund, trade, alipay, caplog, settings):
    alipay.next_refunds = ["ACQ.SYSTEM_ERROR"]
    with caplog.at_level(logging.DEBUG):
        send_due_refunds(now=NOON)
    assert "ACQ.SYSTEM_ERROR" in caplog.text
    assert "sign" not in caplog.text
    assert trade.trade_no not in caplog.text
    assert "PRIVATE" not in repr(settings.ALIPAY_PAYMENTS)


# --- Settings -----------------------------------------------------------------

GOOD = {
    "CRM_ALIPAY_PAYMENT_APP": APP,
    "CRM_ALIPAY_PAYMENT_SELLER": SELLER,
    "CRM_ALIPAY_PRIVATE_KEY": "ours",
    "CRM_ALIPAY_PUBLIC_KEY": "theirs",
}


class Environment(Env):
    def __init__(self, values):
        super().__init__()
        self.ENVIRON = values


def test_an_account_is_read_from_the_environment():
    found = alipay_account(Environment(GOOD), currency="CNY")
    assert (found.app_id, found.seller_id, found.private_key, found.public_key) == (
        *(APP, SELLER),
        *("ours", "theirs"),
    )
    assert found.api == "https://openapi.alipay.com"
    assert alipay_account(Environment({}), currency="EUR") is None


@pytest.mark.parametrize("name", sorted(set(GOOD) - {"CRM_ALIPAY_PAYMENT_APP"}))
def test_half_an_account_stops_the_start(name):
    half = {key: value for key, value in GOOD.items() if key != name}
    with pytest.raises(ImproperlyConfigured, match=name):
        alipay_account(Environment(half), currency="CNY")


def test_a_shop_with_another_currency_cannot_take_alipay():
    with pytest.raises(ImproperlyConfigured, match="EUR"):
        alipay_account(Environment(GOOD), currency="EUR")
