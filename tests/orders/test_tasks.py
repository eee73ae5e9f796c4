"""Background doors: safe to repeat, done when nothing is left."""

from datetime import timedelta

import pytest

from crm.shared import clock
from orders.models import Order, Refund
from orders.services.cancelling import release_unpaid
from orders.services.pricing_entries import set_price
from orders.services.refunding import refund_order
from orders.tasks import (
    apply_due_list_prices,
    release_unpaid_orders,
    send_refunds,
)
from tests.orders.shop import fill_cart, pay, place


def test_every_overdue_order_is_cancelled_in_batches(alice, cup, monkeypatch):
    long_ago = clock.now() - timedelta(hours=1)
    for _number in range(5):
        place(fill_cart({"CUP": 1}, member=alice, now=long_ago), now=long_ago)
    monkeypatch.setitem(release_unpaid.__wrapped__.__kwdefaults__, "limit", 2)
    assert release_unpaid_orders() == 5
    assert release_unpaid_orders() == 0
    assert set(Order.objects.values_list("state", flat=True)) == {"cancelled"}


@pytest.mark.parametrize("times", [1, 3])
def test_refunds_are_sent_once_however_often_the_task_runs(alice, cup, times):
    now = clock.now()
    order = place(fill_cart({"CUP": 2}, member=alice, now=now), now=now)
    pay(order, now=now)
    refund_order(
        order_id=order.pk,
        items={1: 1},
        reason="",
        actor="test",
        request_key="k",
        now=now,
    )
    assert sum(send_refunds() for _time in range(times)) == 1
    assert Refund.objects.get().state == "completed"


def test_planned_list_prices_begin_however_often_the_task_runs(cup):
    now = clock.now()
    set_price(
        variant_id=cup.pk,
        kind="list",
        amount_minor=1_000,
        starts_at=now - timedelta(hours=1),
        actor="test",
        now=now - timedelta(hours=2),
    )
    assert [apply_due_list_prices() for _round in range(3)] == [1, 0, 0]
    cup.refresh_from_db()
    assert cup.price_minor == 1_000
