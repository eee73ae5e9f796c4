"""Real threads against real locks; each race has a control without its guard.

A control that stays green would mean that the race never happened.
"""

import pytest
from django.db.models import F

from crm.shared.models import Fact
from orders.models import (
    Order,
    OrderLine,
    Payment,
    PaymentCallback,
    Refund,
    RefundLine,
    Variant,
)
from orders.providers.test import TestProvider
from orders.services import return_requests
from orders.services.cancelling import cancel_order
from orders.services.checkout import place_order
from orders.services.exchanging import Swap, exchange_units
from orders.services.payment import start_payment
from orders.services.refund_preview import NothingToRefund
from orders.services.refunding import refund_order
from orders.services.return_requests import Wish, request_return
from orders.services.returning import send_due_refunds
from orders.services.settling_returns import refund_return
from orders.services.stocking import OutOfStock
from tests.cast import NOON, make_member, make_variant
from tests.faults.callers import all_at_once, rendezvous, without
from tests.orders.shop import fill_cart, notify, pay, place
from tests.orders.unguarded import (
    unlock_carts,
    unlock_payments,
    unlock_refunds,
    unlock_stock,
)

pytestmark = pytest.mark.django_db(transaction=True)


#: So many in every run, and so many where there is time.
SLOW = pytest.mark.slow
CALLERS = [20, pytest.param(500, marks=SLOW)]


# --- The last unit ------------------------------------------------------------


def buyers(count: int, *, on_hand: int = 1) -> list[int]:
    make_variant("LAST", 10_000, on_hand=on_hand)
    return [
        fill_cart({"LAST": 1}, member=make_member(serial)).pk
        for serial in range(1, count + 1)
    ]


@pytest.mark.parametrize(
    ("count", "left"),
    [(50, 1), pytest.param(500, 1, marks=SLOW), pytest.param(500, 7, marks=SLOW)],
)
def test_x5_of_many_buyers_of_the_last_units_so_many_get_one(count, left):
    carts = buyers(count, on_hand=left)

    def buy(number: int) -> str:
        place_order(cart_id=carts[number], expected_total_minor=10_000, now=NOON)
        return "placed"

    outcome = all_at_once(count, buy)
    assert outcome == {"placed": left, OutOfStock.__name__: count - left}
    assert Order.objects.count() == OrderLine.objects.count() == left
    assert Variant.objects.get(sku="LAST").reserved == left
    assert Fact.objects.filter(name="orders.OrderPlaced").count() == left


def test_control_without_the_condition_the_last_unit_is_sold_twice(monkeypatch):
    carts = buyers(4)
    unlock_stock(monkeypatch, 4)

    def buy(number: int) -> str:
        place_order(cart_id=carts[number], expected_total_minor=10_000, now=NOON)
        return "placed"

    assert all_at_once(4, buy)["placed"] > 1
    assert Variant.objects.get(sku="LAST").reserved > 1


# --- One cart -----------------------------------------------------------------


@pytest.mark.parametrize("count", CALLERS)
def test_one_cart_placed_many_times_is_one_order(count):
    make_variant("TEA", 10_000, on_hand=50)
    cart = fill_cart({"TEA": 1}, member=make_member(1))

    def buy(_number: int) -> str:
        order = place_order(cart_id=cart.pk, expected_total_minor=10_000, now=NOON)
        return order.public_id

    outcome = all_at_once(count, buy)
    assert list(outcome.values()) == [count]
    assert Order.objects.count() == 1
    assert Variant.objects.get().reserved == 1
    assert Fact.objects.filter(name="orders.OrderPlaced").count() == 1


def test_control_without_lock_and_constraint_one_cart_is_several_orders(monkeypatch):
    make_variant("TEA", 10_000, on_hand=50)
    cart = fill_cart({"TEA": 1}, member=None)
    unlock_carts(monkeypatch, 4)

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


@pytest.mark.parametrize("count", CALLERS)
def test_x2_the_same_message_many_times_at_once_pays_once(count):
    waiting = waiting_payment()

    def deliver(_number: int) -> str:
        notify(Payment.objects.select_related("order").get(pk=waiting.pk))
        return "taken"

    assert all_at_once(count, deliver) == {"taken": count}
    assert PaymentCallback.objects.count() == 1
    assert Fact.objects.filter(name="orders.OrderPaid").count() == 1
    tea = Variant.objects.get()
    assert (tea.on_hand, tea.reserved) == (49, 0)


def test_control_without_lock_and_constraint_a_message_pays_twice(monkeypatch):
    waiting = waiting_payment()
    unlock_payments(monkeypatch, 4)

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


@pytest.mark.parametrize("count", CALLERS)
def test_r3_many_refunds_of_two_units_give_back_two(count):
    order = paid_order()
    outcome = all_at_once(count, refund_one(order))
    assert outcome == {"requested": 2, "NothingToRefund": count - 2}
    assert_gave_back(order, units=2)


@pytest.mark.parametrize("count", CALLERS)
def test_x1_one_refund_asked_for_many_times_at_once_is_one(count):
    order = paid_order()
    ask = refund_one(order)
    assert all_at_once(count, lambda _number: ask(1)) == {"requested": count}
    assert_gave_back(order, units=1)


def test_x1_control_without_lock_and_constraint_one_request_is_two_refunds(
    monkeypatch,
):
    order = paid_order()
    unlock_refunds(monkeypatch, 2)
    without("orders_refund", "orders_refund_request_key_key")
    ask = refund_one(order)
    assert all_at_once(2, lambda _number: ask(1)) == {"requested": 2}
    assert Refund.objects.count() == 2


def assert_gave_back(order: Order, *, units: int) -> None:
    """Rows and counters tell of so many units, each once."""
    order.refresh_from_db()
    assert order.refunded_minor == units * 10_000
    assert Payment.objects.get().refunded_minor == units * 10_000
    line = order.lines.get()
    assert (line.refunded_quantity, line.refunded_minor) == (units, units * 10_000)
    assert Refund.objects.count() == RefundLine.objects.count() == units


def test_control_without_lock_and_constraints_more_goes_back_than_was_paid(
    monkeypatch,
):
    order = paid_order()
    without("orders_orderline", "order_line_refunds_are_within_paid")
    without("orders_orderline", "order_line_returns_are_within_bought")
    without("orders_order", "order_refunds_are_within_paid")
    without("orders_payment", "payment_refunds_are_within_amount")
    unlock_refunds(monkeypatch, 4)
    assert all_at_once(4, refund_one(order)) == {"requested": 4}
    order.refresh_from_db()
    assert order.refunded_minor > order.paid_minor


def test_r3_without_the_lock_the_constraints_still_refuse(monkeypatch):
    order = paid_order()
    unlock_refunds(monkeypatch, 4)
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


# --- Several tenders (R4, R18), and units asked back (R16) ----------------------


def split_order() -> Order:
    """Return a paid order of 200.00 whose money came from two payments."""
    order = paid_order()
    Payment.objects.filter(order=order, state="captured").update(amount_minor=6_000)
    Payment.objects.create(
        order=order,
        provider="test",
        provider_ref="second",
        amount_minor=14_000,
        state="captured",
        created_at=NOON,
        captured_at=NOON,
    )
    return order


def test_r4_parallel_refunds_never_give_a_payment_more_than_it_paid():
    order = split_order()
    outcome = all_at_once(10, refund_one(order))
    assert outcome == {"requested": 2, "NothingToRefund": 8}
    paid = Payment.objects.filter(order=order, state="captured")
    assert all(each.refunded_minor == each.amount_minor for each in paid)


def test_r18_two_workers_send_two_tenders_and_complete_one_refund():
    order = split_order()
    refund_one(order)(1)

    def work(_number: int) -> str:
        send_due_refunds(now=NOON)
        return "worked"

    all_at_once(4, work)
    assert len(TestProvider.given_back) == 2
    assert max(TestProvider.asked.values()) == 1
    assert Refund.objects.get().state == "completed"
    assert Fact.objects.filter(name="orders.RefundCompleted").count() == 1


def ask_back(order: Order):
    def ask(_number: int) -> str:
        wish = Wish(kind="return", items={1: 1}, reason_code="damaged")
        request_return(order_id=order.pk, wish=wish, actor="member", now=NOON)
        return "asked"

    return ask


def test_ten_returns_and_refunds_of_two_units_take_two():
    order = paid_order()
    ask, give = ask_back(order), refund_one(order)
    outcome = all_at_once(10, lambda n: ask(n) if n % 2 else give(n))
    assert outcome["asked"] + outcome["requested"] == 2
    line = order.lines.get()
    assert line.refunded_quantity + line.returning_quantity == 2


def test_control_without_lock_condition_and_constraint_units_are_asked_back_twice(
    monkeypatch,
):
    order = paid_order()
    without("orders_orderline", "order_line_returns_are_within_bought")
    meet = rendezvous(4)

    def read_then_write(*, line_id, units):
        line = OrderLine.objects.get(pk=line_id)
        meet()
        if line.quantity - line.returning_quantity < units:
            raise NothingToRefund
        OrderLine.objects.filter(pk=line_id).update(
            returning_quantity=F("returning_quantity") + units
        )

    monkeypatch.setattr(return_requests, "promise_units", read_then_write)
    monkeypatch.setattr(
        return_requests,
        "lock_order",
        lambda *, order_id: Order.objects.get(pk=order_id),
    )
    outcome = all_at_once(4, ask_back(order))
    assert outcome == {"asked": 4}
    assert order.lines.get().returning_quantity == 4


@pytest.mark.parametrize("count", CALLERS)
def test_one_exchange_asked_for_many_times_at_once_makes_one_order(count):
    order = paid_order()
    other = make_variant("OTHER", 1_000, on_hand=count)

    def exchange(_number: int) -> str:
        new = exchange_units(
            order_id=order.pk,
            swaps=[Swap(1, 1, other.pk)],
            reason="",
            actor="dana",
            request_key="one",
            now=NOON,
        )
        return new.number

    outcome = all_at_once(count, exchange)
    assert list(outcome.values()) == [count]
    assert (Order.objects.count(), Refund.objects.count()) == (2, 1)
    other.refresh_from_db()
    assert (other.on_hand, other.reserved) == (count - 1, 0)


def test_the_same_units_are_exchanged_for_one_of_two_things():
    order = paid_order()
    others = [make_variant(f"OTHER{n}", 1_000, on_hand=2) for n in range(2)]

    def exchange(number: int) -> str:
        exchange_units(
            order_id=order.pk,
            swaps=[Swap(1, 2, others[number].pk)],
            reason="",
            actor="dana",
            request_key=f"x{number}",
            now=NOON,
        )
        return "exchanged"

    outcome = all_at_once(2, exchange)
    assert outcome["exchanged"] == 1
    assert sum(outcome.values()) == 2
    assert Order.objects.filter(exchange_of=order).count() == 1
    left = Variant.objects.filter(sku__startswith="OTHER")
    assert sorted(left.values_list("on_hand", flat=True)) == [0, 2]


def test_a_return_settled_by_five_people_at_once_gives_one_refund():
    order = paid_order()
    wish = Wish(kind="refund_only", items={1: 1}, reason_code="damaged")
    request = request_return(order_id=order.pk, wish=wish, actor="member", now=NOON)
    return_requests.approve_return(return_id=request.pk, actor="dana", now=NOON)

    def settle(_number: int) -> str:
        made = refund_return(return_id=request.pk, reason="", actor="dana", now=NOON)
        return made.public_id

    outcome = all_at_once(5, settle)
    assert list(outcome.values()) == [5]
    assert Refund.objects.count() == 1
