"""Real threads against real locks; each race has a control without its guard.

A control that stays green would mean that the race never happened.
"""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.db.models import F

from crm.shared.models import Fact
from orders.models import Order, Payment, PaymentCallback, Refund, Variant
from orders.queries.carts import open_carts
from orders.services import checkout, payment, refunding
from orders.services.cancelling import cancel_order
from orders.services.checkout import place_order
from orders.services.payment import start_payment
from orders.services.refunding import refund_order
from orders.services.returning import send_due_refunds
from orders.services.stocking import OutOfStock
from tests.cast import NOON, make_member, make_variant
from tests.orders.shop import fill_cart, notify, pay, place

pytestmark = pytest.mark.django_db(transaction=True)


def all_at_once(count: int, work) -> Counter:
    """Run ``work(number)`` in so many threads; count results and refusals by name."""
    start = threading.Barrier(count)

    def run(number: int):
        try:
            start.wait()
            return work(number)
        except Exception as refusal:
            return type(refusal).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return Counter(pool.map(run, range(count)))


def without(table: str, *constraints: str) -> None:
    """Drop constraints of this test's own database."""
    with connection.cursor() as cursor:
        for name in constraints:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")


def rendezvous(count: int):
    """Return a function that lets nobody pass before ``count`` have come."""
    barrier = threading.Barrier(count, timeout=10)
    return lambda: barrier.wait()


# --- The last unit ------------------------------------------------------------


def buyers(count: int) -> list[int]:
    make_variant("LAST", 10_000, on_hand=1)
    return [
        fill_cart({"LAST": 1}, member=make_member(serial)).pk
        for serial in range(1, count + 1)
    ]


def test_x5_fifty_buyers_of_the_last_unit():
    carts = buyers(50)

    def buy(number: int) -> str:
        place_order(cart_id=carts[number], expected_total_minor=10_000, now=NOON)
        return "placed"

    outcome = all_at_once(50, buy)
    assert outcome == {"placed": 1, OutOfStock.__name__: 49}
    assert Order.objects.count() == 1
    assert Variant.objects.get(sku="LAST").reserved == 1


def test_control_without_the_condition_the_last_unit_is_sold_twice(monkeypatch):
    carts = buyers(4)
    without("orders_variant", "variant_reserved_is_within_stock")
    meet = rendezvous(4)

    def read_then_write(quantities, **_order):
        (pk,) = quantities
        variant = Variant.objects.get(pk=pk)
        meet()
        if variant.on_hand - variant.reserved < 1:
            raise OutOfStock(sku="LAST")
        Variant.objects.filter(pk=pk).update(reserved=F("reserved") + 1)

    monkeypatch.setattr(checkout, "reserve_stock", read_then_write)

    def buy(number: int) -> str:
        place_order(cart_id=carts[number], expected_total_minor=10_000, now=NOON)
        return "placed"

    assert all_at_once(4, buy)["placed"] > 1
    assert Variant.objects.get(sku="LAST").reserved > 1


# --- One cart -----------------------------------------------------------------


def test_one_cart_placed_twenty_times_is_one_order():
    make_variant("TEA", 10_000, on_hand=50)
    cart = fill_cart({"TEA": 1}, member=make_member(1))

    def buy(_number: int) -> str:
        order = place_order(cart_id=cart.pk, expected_total_minor=10_000, now=NOON)
        return order.public_id

    outcome = all_at_once(20, buy)
    assert list(outcome.values()) == [20]
    assert Order.objects.count() == 1
    assert Variant.objects.get().reserved == 1
    assert Fact.objects.filter(name="orders.OrderPlaced").count() == 1


def test_control_without_lock_and_constraint_one_cart_is_several_orders(monkeypatch):
    make_variant("TEA", 10_000, on_hand=50)
    cart = fill_cart({"TEA": 1}, member=None)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'orders_order'::regclass"
            " AND contype = 'u' AND conname LIKE '%%cart%%'"
        )
        (unique,) = cursor.fetchone()
    without("orders_order", unique)
    monkeypatch.setattr(
        checkout,
        "lock_cart",
        lambda *, cart_id: open_carts().get(pk=cart_id),
    )
    meet, check = rendezvous(4), checkout._refuse_unsellable
    monkeypatch.setattr(
        checkout, "_refuse_unsellable", lambda *what: (meet(), check(*what))
    )

    def buy(_number: int) -> str:
        return place_order(
            cart_id=cart.pk, expected_total_minor=10_000, now=NOON
        ).public_id

    all_at_once(4, buy)
    assert Order.objects.count() > 1


# --- One message of the provider ----------------------------------------------


def waiting_payment() -> Payment:
    make_variant("TEA", 10_000, on_hand=50)
    order = place(fill_cart({"TEA": 1}, member=make_member(1)))
    return start_payment(order_id=order.pk, provider="test", now=NOON)


def test_x2_the_same_message_twenty_times_at_once_pays_once():
    waiting = waiting_payment()

    def deliver(_number: int) -> str:
        notify(Payment.objects.select_related("order").get(pk=waiting.pk))
        return "taken"

    assert all_at_once(20, deliver) == {"taken": 20}
    assert PaymentCallback.objects.count() == 1
    assert Fact.objects.filter(name="orders.OrderPaid").count() == 1
    tea = Variant.objects.get()
    assert (tea.on_hand, tea.reserved) == (49, 0)


def test_control_without_lock_and_constraint_a_message_pays_twice(monkeypatch):
    waiting = waiting_payment()
    without("orders_paymentcallback", "payment_callback_once")
    without("orders_variant", "variant_reserved_is_within_stock")
    without("orders_order", "order_paid_is_within_total")
    monkeypatch.setattr(payment, "count_capture", lambda order, amount: True)
    monkeypatch.setattr(payment, "held_minor", lambda order: order.total_minor)
    monkeypatch.setattr(payment, "lock_stock", lambda units: None)
    monkeypatch.setattr(
        payment, "lock_order", lambda *, order_id: Order.objects.get(pk=order_id)
    )
    meet, known = rendezvous(4), payment.is_known
    monkeypatch.setattr(
        payment, "is_known", lambda **which: (meet(), known(**which))[1]
    )

    def deliver(_number: int) -> str:
        notify(Payment.objects.select_related("order").get(pk=waiting.pk))
        return "taken"

    all_at_once(4, deliver)
    assert Fact.objects.filter(name="orders.OrderPaid").count() > 1
    assert Variant.objects.get().on_hand < 49


def test_paying_while_cancelling_ends_in_one_of_the_two():
    waiting = waiting_payment()

    def either(number: int) -> str:
        if number % 2:
            notify(Payment.objects.select_related("order").get(pk=waiting.pk))
            return "taken"
        cancel_order(order_id=waiting.order_id, actor="test", reason="", now=NOON)
        return "cancelled"

    all_at_once(8, either)
    order = Order.objects.get()
    paid = Payment.objects.get(pk=waiting.pk)
    tea = Variant.objects.get()
    assert (order.state, paid.state, tea.on_hand, tea.reserved) in {
        ("paid", "captured", 49, 0),
        ("cancelled", "surplus", 50, 0),
    }


# --- One unit refunded --------------------------------------------------------


def paid_order() -> Order:
    make_variant("TEA", 10_000, on_hand=50)
    order = place(fill_cart({"TEA": 2}, member=make_member(1)))
    pay(order)
    return order


def refund_one(order: Order):
    def ask(number: int) -> str:
        refund_order(
            order_id=order.pk,
            items={1: 1},
            reason="",
            actor="test",
            request_key=f"key-{number}",
            now=NOON,
        )
        return "requested"

    return ask


def test_r3_ten_refunds_of_two_units_give_back_two():
    order = paid_order()
    outcome = all_at_once(10, refund_one(order))
    assert outcome == {"requested": 2, "NothingToRefund": 8}
    order.refresh_from_db()
    assert order.refunded_minor == 20_000
    assert Refund.objects.count() == 2


def test_control_without_lock_and_constraints_more_goes_back_than_was_paid(
    monkeypatch,
):
    order = paid_order()
    without("orders_orderline", "order_line_refunds_are_within_paid")
    without("orders_order", "order_refunds_are_within_paid")
    without("orders_payment", "payment_refunds_are_within_amount")
    meet, reserve = rendezvous(4), refunding._reserve
    monkeypatch.setattr(
        refunding, "lock_order", lambda *, order_id: Order.objects.get(pk=order_id)
    )
    monkeypatch.setattr(refunding, "_reserve", lambda *given: (meet(), reserve(*given)))
    all_at_once(4, refund_one(order))
    order.refresh_from_db()
    assert order.refunded_minor > order.paid_minor


def test_r3_without_the_lock_the_constraints_still_refuse(monkeypatch):
    order = paid_order()
    meet, reserve = rendezvous(4), refunding._reserve
    monkeypatch.setattr(
        refunding, "lock_order", lambda *, order_id: Order.objects.get(pk=order_id)
    )
    monkeypatch.setattr(refunding, "_reserve", lambda *given: (meet(), reserve(*given)))
    outcome = all_at_once(4, refund_one(order))
    order.refresh_from_db()
    assert outcome["requested"] <= 2
    assert order.refunded_minor <= order.paid_minor


def test_r18_two_workers_send_one_refund_once():
    order = paid_order()
    refund_one(order)(1)

    def work(_number: int) -> int:
        return send_due_refunds(now=NOON)

    assert all_at_once(4, work) == {0: 3, 1: 1}
    assert Fact.objects.filter(name="orders.RefundCompleted").count() == 1
