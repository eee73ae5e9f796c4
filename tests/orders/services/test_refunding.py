"""Refunds: exact shares, once, retried with one key, undone when refused."""

from datetime import timedelta

import pytest

from crm.shared.models import AuditEntry, Fact
from orders.models import Payment, Refund
from orders.providers.test import TestProvider
from orders.rules.offers import Stage
from orders.services.refunding import (
    NothingToRefund,
    OrderNotRefundable,
    complete_refund,
    quote_refund,
    refund_order,
)
from orders.services.returning import send_due_refunds
from tests.cast import NOON
from tests.orders.shop import Off, Offers, fill_cart, pay, place


@pytest.fixture
def paid(alice, tea, cup, settings):
    """Three cups and a tea: 199.99 with 10.00 off, 5.00 by points and 8.00 freight."""
    settings.FREIGHT_MINOR = 800
    Offers.offers[:] = [
        Off("prm_a", 1000),
        Off("pts", 500, stage=Stage.POINTS, points=50),
    ]
    order = place(fill_cart({"TEA": 1, "CUP": 3}, member=alice))
    pay(order)
    order.refresh_from_db()
    assert (order.goods_minor, order.total_minor) == (19_999, 19_299)
    return order


def refund(order, items, key, **fields):
    return refund_order(
        order_id=order.pk,
        items=items,
        reason="broken",
        actor="dana",
        request_key=key,
        now=NOON,
        **fields,
    )


def completed():
    facts = Fact.objects.filter(name="orders.RefundCompleted")
    return [fact.payload["refund_id"] for fact in facts.order_by("id")]


def test_a_refund_is_requested_then_paid_then_told(paid):
    first = refund(paid, {2: 1}, "k1")
    assert (first.state, completed()) == ("requested", [])
    paid.refresh_from_db()
    assert (paid.refunded_minor, paid.state) == (first.amount_minor, "paid")

    assert send_due_refunds(now=NOON) == 1
    first.refresh_from_db()
    assert (first.state, first.completed_at) == ("completed", NOON)
    assert completed() == [first.pk]
    assert TestProvider.given_back == {first.public_id: first.amount_minor}
    audit = AuditEntry.objects.get(action="orders.refund")
    assert (audit.actor, audit.reason) == ("dana", "broken")
    assert audit.object_id == paid.public_id


def test_r2_r4_unit_by_unit_everything_comes_back_and_the_order_is_refunded(paid):
    refunds = [
        refund(paid, {2: 1}, "k1"),
        refund(paid, {2: 1}, "k2"),
        refund(paid, {2: 1}, "k3"),
        refund(paid, {1: 1}, "k4", freight=True),
    ]
    assert send_due_refunds(now=NOON) == 4
    paid.refresh_from_db()
    assert sum(r.amount_minor for r in refunds) == paid.total_minor == 19_299
    assert sum(r.points_returned for r in refunds) == 50
    assert [r.freight_minor for r in refunds] == [0, 0, 0, 800]
    assert (paid.state, paid.refunded_minor) == ("refunded", 19_299)
    payment = Payment.objects.get(state="captured")
    assert payment.refunded_minor == 19_299
    assert completed() == [r.pk for r in refunds]
    with pytest.raises(OrderNotRefundable):
        refund(paid, {1: 1}, "k5")


def test_r1_todays_prices_and_offers_play_no_part(paid, cup):
    before = quote_refund(order_id=paid.pk, items={2: 2})
    Offers.offers[:] = []
    cup.price_minor = 1
    cup.save()
    assert quote_refund(order_id=paid.pk, items={2: 2}) == before
    assert not Refund.objects.exists()


def test_x1_the_same_request_is_one_refund(paid):
    first = refund(paid, {2: 1}, "k1")
    again = refund(paid, {2: 1}, "k1")
    assert first.pk == again.pk
    assert paid.lines.get(position=2).refunded_quantity == 1


@pytest.mark.parametrize("items", [{}, {2: 4}, {2: 0}, {2: -1}, {9: 1}])
def test_r3_what_is_not_there_is_refused_and_nothing_is_written(paid, items):
    with pytest.raises(NothingToRefund):
        refund(paid, items, "k1")
    assert not Refund.objects.exists()
    paid.refresh_from_db()
    assert paid.refunded_minor == 0


def test_an_unpaid_order_cannot_be_refunded(alice, tea):
    order = place(fill_cart({"TEA": 1}, member=alice))
    with pytest.raises(OrderNotRefundable):
        refund(order, {1: 1}, "k1")


def test_r5_freight_is_given_back_once(paid):
    assert refund(paid, {2: 1}, "k1", freight=True).freight_minor == 800
    assert refund(paid, {2: 1}, "k2", freight=True).freight_minor == 0


def test_r18_an_outage_is_asked_again_with_the_same_key_and_pays_once(paid):
    TestProvider.outages = 2
    wanted = refund(paid, {1: 1}, "k1")
    now = NOON
    assert send_due_refunds(now=now) == 0
    assert send_due_refunds(now=now + timedelta(seconds=29)) == 0
    assert TestProvider.asked[wanted.public_id] == 1
    assert send_due_refunds(now=now + timedelta(seconds=30)) == 0
    assert send_due_refunds(now=now + timedelta(seconds=90)) == 1
    assert TestProvider.asked[wanted.public_id] == 3
    assert TestProvider.given_back == {wanted.public_id: wanted.amount_minor}
    assert completed() == [wanted.pk]


def test_r18_the_answer_was_lost_after_the_money_went(paid, monkeypatch):
    wanted = refund(paid, {1: 1}, "k1")
    lost = "orders.services.returning.complete_refund"
    with monkeypatch.context() as patch:
        patch.setattr(lost, lambda **_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            send_due_refunds(now=NOON)
    wanted.refresh_from_db()
    assert (wanted.state, completed()) == ("requested", [])
    assert send_due_refunds(now=NOON + timedelta(minutes=1)) == 1
    assert TestProvider.given_back == {wanted.public_id: wanted.amount_minor}
    assert completed() == [wanted.pk]


def test_a_refund_the_provider_refuses_gives_its_units_free(paid):
    TestProvider.refuses = True
    wanted = refund(paid, {2: 3}, "k1")
    assert send_due_refunds(now=NOON) == 1
    wanted.refresh_from_db()
    paid.refresh_from_db()
    assert (wanted.state, paid.refunded_minor, paid.state) == ("failed", 0, "paid")
    assert paid.lines.get(position=2).refunded_quantity == 0
    assert Payment.objects.get(state="captured").refunded_minor == 0
    assert completed() == []
    TestProvider.refuses = False
    again = refund(paid, {2: 3}, "k2")
    assert (again.amount_minor, again.points_returned) == (
        wanted.amount_minor,
        wanted.points_returned,
    )


def test_x2_completing_twice_tells_once(paid):
    wanted = refund(paid, {1: 1}, "k1")
    assert complete_refund(refund_id=wanted.pk, now=NOON)
    assert not complete_refund(refund_id=wanted.pk, now=NOON)
    assert completed() == [wanted.pk]


def test_what_was_bought_with_points_alone_is_refunded_at_once(alice, tea):
    Offers.offers[:] = [Off("pts", 10_000, stage=Stage.POINTS, points=1000)]
    order = place(fill_cart({"TEA": 1}, member=alice))
    wanted = refund(order, {1: 1}, "k1")
    order.refresh_from_db()
    assert (wanted.state, wanted.amount_minor, wanted.points_returned) == (
        "completed",
        0,
        1000,
    )
    assert order.state == "refunded"
    assert completed() == [wanted.pk]
