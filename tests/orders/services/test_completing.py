"""Parcels arrive and orders are done: by a word, or by days of silence."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction

from crm.shared.models import Fact
from orders.models import OrderEvent
from orders.services.completing import (
    OrderNotConfirmable,
    complete_delivered,
    complete_order,
    confirm_order,
)
from orders.services.delivering import deliver_shipment, deliver_silent
from orders.services.moving import MoveRefused
from orders.services.shipping import ship, units_to_ship
from tests.cast import NOON, make_member, make_variant
from tests.orders.shop import fill_cart, pay, place

SENT = NOON + timedelta(hours=1)
ARRIVED = SENT + timedelta(days=3)
TEN_DAYS, WEEK = timedelta(days=10), timedelta(days=7)


def bought(member, **units):
    order = place(fill_cart(units or {"CUP": 2}, member=member))
    pay(order)
    return order


def send(order, items=None, now=SENT):
    items = items or units_to_ship(order_id=order.pk)
    return ship(order_id=order.pk, items=items, actor="key:key_1", now=now)


def arrive(shipment, now=ARRIVED, **more):
    return deliver_shipment(shipment_id=shipment.pk, actor="key:key_1", now=now, **more)


def state_of(order) -> str:
    order.refresh_from_db()
    return order.state


def facts(name: str) -> int:
    return Fact.objects.filter(name=f"orders.{name}").count()


def last_move(order) -> tuple:
    event = OrderEvent.objects.filter(order=order).latest("id")
    return event.from_state, event.to_state, event.actor


def test_the_last_parcel_to_arrive_delivers_the_order(alice, cup):
    order = bought(alice)
    first, second = send(order, {1: 1}), send(order, {1: 1})
    assert arrive(first)
    assert state_of(order) == "shipped"
    assert arrive(second)
    assert (state_of(order), order.delivered_at) == ("delivered", ARRIVED)
    assert not arrive(second)
    assert facts("OrderDelivered") == 1
    assert last_move(order) == ("shipped", "delivered", "key:key_1")


def test_r17_a_parcel_arrived_when_it_is_said_to_have(alice, cup):
    order = bought(alice)
    arrive(send(order), now=ARRIVED + WEEK, at=ARRIVED)
    assert (state_of(order), order.delivered_at) == ("delivered", ARRIVED)


def test_an_order_is_completed_once_it_is_delivered(alice, cup):
    order = bought(alice)
    parcel = send(order)
    with pytest.raises(MoveRefused):
        complete_order(order_id=order.pk, actor=None, now=ARRIVED)
    arrive(parcel)
    assert complete_order(order_id=order.pk, actor=None, now=ARRIVED)
    assert not complete_order(order_id=order.pk, actor=None, now=ARRIVED)
    assert (state_of(order), order.closed_at) == ("completed", ARRIVED)
    assert facts("OrderCompleted") == 1


# --- The buyer's word ---------------------------------------------------------


def test_the_buyer_has_it_all(alice, cup):
    order = bought(alice)
    send(order, {1: 1})
    send(order, {1: 1})
    for _again in range(2):
        confirm_order(order_id=order.pk, now=ARRIVED)
    assert (state_of(order), order.delivered_at) == ("completed", ARRIVED)
    assert set(order.shipments.values_list("state", flat=True)) == {"delivered"}
    assert (facts("OrderDelivered"), facts("OrderCompleted")) == (1, 1)
    assert last_move(order) == ("delivered", "completed", "member")


def test_what_is_not_on_its_way_cannot_have_arrived(alice, cup):
    order = bought(alice)
    with pytest.raises(OrderNotConfirmable):
        confirm_order(order_id=order.pk, now=ARRIVED)
    send(order, {1: 1})
    with pytest.raises(OrderNotConfirmable):
        confirm_order(order_id=order.pk, now=ARRIVED)
    assert state_of(order) == "partly_shipped"
    assert order.shipments.get().state == "sent"
    unpaid = place(fill_cart({"CUP": 1}, member=alice))
    with pytest.raises(OrderNotConfirmable):
        confirm_order(order_id=unpaid.pk, now=ARRIVED)


# --- Days of silence ----------------------------------------------------------


def test_a_parcel_nobody_spoke_of_counts_as_delivered(alice, cup):
    order, later = bought(alice), bought(alice)
    parcel = send(order)
    send(later, now=SENT + timedelta(seconds=1))
    assert deliver_silent(now=SENT + TEN_DAYS - timedelta(seconds=1)) == 0
    now = SENT + TEN_DAYS
    assert deliver_silent(now=now) == 1
    assert deliver_silent(now=now) == 0
    assert (state_of(order), order.delivered_at) == ("delivered", now)
    parcel.refresh_from_db()
    assert (parcel.state, parcel.delivered_at) == ("delivered", now)
    assert state_of(later) == "shipped"
    assert facts("OrderDelivered") == 1
    assert last_move(order) == ("shipped", "delivered", "silence")


def test_a_part_that_arrived_in_silence_does_not_deliver_the_rest(alice, cup):
    order, two = bought(alice), bought(alice)
    send(order, {1: 1})
    send(two, {1: 1})
    send(two, {1: 1}, now=SENT + WEEK)
    assert deliver_silent(now=SENT + TEN_DAYS) == 2
    assert (state_of(order), state_of(two)) == ("partly_shipped", "shipped")
    assert facts("OrderDelivered") == 0
    assert deliver_silent(now=SENT + WEEK + TEN_DAYS) == 1
    assert state_of(two) == "delivered"


def test_a_delivered_order_is_completed_after_a_week(alice, cup, settings):
    order, later = bought(alice), bought(alice)
    arrive(send(order))
    arrive(send(later), now=ARRIVED + timedelta(seconds=1))
    assert complete_delivered(now=ARRIVED + WEEK - timedelta(seconds=1)) == 0
    assert complete_delivered(now=ARRIVED + WEEK) == 1
    assert (state_of(order), order.closed_at) == ("completed", ARRIVED + WEEK)
    assert state_of(later) == "delivered"
    assert last_move(order) == ("delivered", "completed", "deadline")
    assert facts("OrderCompleted") == 1
    settings.COMPLETED_AFTER_DAYS = 0
    assert complete_delivered(now=ARRIVED + WEEK) == 1


def test_a_batch_takes_as_many_statements_for_nine_as_for_one(
    alice, cup, django_assert_max_num_queries
):
    for _number in range(9):
        send(bought(alice))
    # Begin, candidates, lock, parcels, arrived, move, history, facts, deliveries, end.
    with django_assert_max_num_queries(10):
        assert deliver_silent(now=SENT + TEN_DAYS) == 9
    with django_assert_max_num_queries(9):
        assert complete_delivered(now=SENT + TEN_DAYS + WEEK) == 9


def in_another_thread(work):
    def run():
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


@pytest.mark.django_db(transaction=True)
def test_orders_somebody_works_on_are_left_for_later():
    make_variant("CUP", 3_333)
    alice = make_member(1)
    held, free = bought(alice), bought(alice)
    send(held)
    send(free)
    with transaction.atomic():
        lock(held)
        assert in_another_thread(lambda: deliver_silent(now=SENT + TEN_DAYS)) == 1
    assert (state_of(held), state_of(free)) == ("shipped", "delivered")
    assert deliver_silent(now=SENT + TEN_DAYS) == 1
    both = SENT + TEN_DAYS + WEEK
    with transaction.atomic():
        lock(held)
        assert in_another_thread(lambda: complete_delivered(now=both)) == 1
    assert complete_delivered(now=both) == 1
    assert facts("OrderCompleted") == 2


def lock(order) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM orders_order WHERE id = %s FOR UPDATE", [order.pk]
        )
