"""Cancelling by a person and by the deadline."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from crm.shared.models import Fact
from orders.models import Order, OrderEvent
from orders.services.cancelling import (
    OrderNotCancellable,
    cancel_order,
    release_unpaid,
)
from orders.services.payment import start_payment
from tests.cast import NOON
from tests.orders.shop import fill_cart, pay, place

LATE = NOON + timedelta(minutes=30)


def cancelled_facts():
    facts = Fact.objects.filter(name="orders.OrderCancelled")
    return [fact.payload["order_id"] for fact in facts.order_by("id")]


def test_cancelling_frees_the_stock_and_tells_once(alice, tea):
    order = place(fill_cart({"TEA": 2}, member=alice))
    payment = start_payment(order_id=order.pk, provider="test", now=NOON)
    for _again in range(2):
        cancel_order(order_id=order.pk, actor="member", reason="no need", now=NOON)
    order.refresh_from_db()
    tea.refresh_from_db()
    payment.refresh_from_db()
    assert (order.state, order.closed_at, payment.state) == (
        "cancelled",
        NOON,
        "cancelled",
    )
    assert (tea.on_hand, tea.reserved) == (5, 0)
    assert cancelled_facts() == [order.pk]
    event = order.events.last()
    assert (event.to_state, event.actor, event.reason) == (
        "cancelled",
        "member",
        "no need",
    )


def test_a_paid_order_cannot_be_cancelled(alice, tea):
    order = place(fill_cart({"TEA": 1}, member=alice))
    pay(order)
    with pytest.raises(OrderNotCancellable):
        cancel_order(order_id=order.pk, actor="member", reason="", now=NOON)
    order.refresh_from_db()
    assert order.state == "paid"
    assert cancelled_facts() == []


def test_c9_the_deadline_cancels_what_is_overdue_and_nothing_else(alice, tea, cup):
    overdue = place(fill_cart({"TEA": 2, "CUP": 1}, member=alice))
    paid = place(fill_cart({"TEA": 1}, member=alice))
    pay(paid)
    fresh = place(fill_cart({"TEA": 1}, member=alice), now=NOON + timedelta(seconds=1))
    assert release_unpaid(now=LATE - timedelta(seconds=1)) == 0
    assert release_unpaid(now=LATE) == 1
    assert release_unpaid(now=LATE) == 0
    states = dict(Order.objects.values_list("pk", "state"))
    assert states == {
        overdue.pk: "cancelled",
        paid.pk: "paid",
        fresh.pk: "pending",
    }
    tea.refresh_from_db()
    cup.refresh_from_db()
    assert (tea.on_hand, tea.reserved, cup.reserved) == (4, 1, 0)
    assert cancelled_facts() == [overdue.pk]


def test_many_overdue_orders_take_few_statements_each(alice, cup):
    for _number in range(12):
        place(fill_cart({"CUP": 1}, member=alice))
    with CaptureQueriesContext(connection) as captured:
        assert release_unpaid(now=LATE, limit=10) == 10
    # Two per order are its fact and its deliveries.
    assert len(captured) <= 15 + 2 * 10
    assert release_unpaid(now=LATE, limit=10) == 2


def test_the_history_of_an_order_cannot_be_rewritten(alice, cup):
    order = place(fill_cart({"CUP": 1}, member=alice))
    for change in (
        lambda: OrderEvent.objects.filter(order=order).update(actor="nobody"),
        lambda: OrderEvent.objects.filter(order=order).delete(),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()
    assert order.events.get().actor == "checkout"
