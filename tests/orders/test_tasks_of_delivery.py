"""Background doors of delivery: safe to repeat, done when nothing is left."""

from datetime import timedelta

import pytest

from crm import wiring
from crm.schedule import SCHEDULE
from crm.shared import clock
from orders.models import Order
from orders.services.completing import complete_delivered
from orders.services.delivering import deliver_silent
from orders.services.shipping import ship
from orders.tasks import complete_delivered_orders, deliver_silent_shipments
from tests.orders.shop import fill_cart, pay, place

TASKS = (
    "orders.tasks.deliver_silent_shipments",
    "orders.tasks.complete_delivered_orders",
)


@pytest.mark.parametrize("times", [1, 3])
def test_silence_delivers_and_completes_batch_by_batch(alice, cup, monkeypatch, times):
    long_ago = clock.now() - timedelta(days=30)
    for _number in range(5):
        order = place(fill_cart({"CUP": 1}, member=alice, now=long_ago), now=long_ago)
        pay(order, now=long_ago)
        ship(order_id=order.pk, items={1: 1}, actor="key:key_1", now=long_ago)
    for service in (deliver_silent, complete_delivered):
        monkeypatch.setitem(service.__wrapped__.__kwdefaults__, "limit", 2)
    assert sum(deliver_silent_shipments() for _time in range(times)) == 5
    assert complete_delivered_orders() == 0
    week = timedelta(days=8)
    monkeypatch.setattr(clock, "now", lambda: long_ago + timedelta(days=31) + week)
    assert sum(complete_delivered_orders() for _time in range(times)) == 5
    assert set(Order.objects.values_list("state", flat=True)) == {"completed"}


@pytest.mark.parametrize("task", TASKS)
def test_they_run_by_themselves_and_when_the_clock_is_moved(task):
    assert task in {entry["task"] for entry in SCHEDULE.values()}
    assert task in wiring.DAILY_WORK
