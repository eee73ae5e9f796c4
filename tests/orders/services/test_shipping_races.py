"""Many ship the same units at once; each race has a control without its guard."""

import pytest

from crm.shared.models import Fact
from orders.models import Order, OrderLine, ShipmentLine
from orders.services import shipping
from orders.services.refunding import refund_order
from orders.services.shipping import ship
from tests.cast import NOON, make_member, make_variant
from tests.orders.services.test_races import all_at_once, rendezvous, without
from tests.orders.shop import fill_cart, pay, place

pytestmark = pytest.mark.django_db(transaction=True)


def paid_order(units: int) -> Order:
    make_variant("TEA", 10_000, on_hand=50)
    order = place(fill_cart({"TEA": units}, member=make_member(1)))
    pay(order)
    return order


def send_one(order: Order, key: str = ""):
    def send(number: int) -> str:
        ship(
            order_id=order.pk,
            items={1: 1},
            actor="key:key_1",
            request_key=key or f"k{number}",
            now=NOON,
        )
        return "sent"

    return send


def test_x5_ten_parcels_of_three_units_are_three():
    order = paid_order(3)
    outcome = all_at_once(10, send_one(order))
    assert outcome["sent"] == 3
    assert outcome["OrderNotShippable"] + outcome["NothingToShip"] == 7
    assert OrderLine.objects.get().shipped_quantity == 3
    assert ShipmentLine.objects.count() == 3
    assert Order.objects.get().state == "shipped"
    assert Fact.objects.filter(name="orders.OrderShipped").count() == 1


def test_x1_the_same_request_ten_times_at_once_is_one_parcel():
    order = paid_order(3)
    assert all_at_once(10, send_one(order, key="same")) == {"sent": 10}
    assert OrderLine.objects.get().shipped_quantity == 1


def test_without_the_lock_the_conditional_write_still_refuses(monkeypatch):
    order = paid_order(2)
    meet, count = rendezvous(4), shipping._count
    monkeypatch.setattr(
        shipping, "lock_order", lambda *, order_id: Order.objects.get(pk=order_id)
    )
    monkeypatch.setattr(shipping, "_count", lambda *given: (meet(), count(*given))[1])
    outcome = all_at_once(4, send_one(order))
    assert outcome["sent"] <= 2
    assert OrderLine.objects.get().shipped_quantity == outcome["sent"]


def test_control_without_lock_condition_and_constraint_too_much_is_sent(monkeypatch):
    order = paid_order(2)
    without("orders_orderline", "order_line_ships_what_was_bought")
    monkeypatch.setattr(
        shipping, "lock_order", lambda *, order_id: Order.objects.get(pk=order_id)
    )
    statement = shipping._COUNT
    guard = "AND l.shipped_quantity + w.quantity <= l.quantity - l.refunded_quantity"
    assert guard in statement
    monkeypatch.setattr(shipping, "_COUNT", statement.replace(guard, ""))
    meet, count = rendezvous(4), shipping._count
    monkeypatch.setattr(shipping, "_count", lambda *given: (meet(), count(*given))[1])
    all_at_once(4, send_one(order))
    assert OrderLine.objects.get().shipped_quantity > 2


def test_a_unit_given_back_is_not_sent():
    order = paid_order(1)

    def either(number: int) -> str:
        if number % 2:
            return send_one(order)(number)
        refund_order(
            order_id=order.pk,
            items={1: 1},
            reason="",
            actor="test",
            request_key=f"r{number}",
            now=NOON,
        )
        return "refunded"

    outcome = all_at_once(8, either)
    line = OrderLine.objects.get()
    if line.shipped_quantity:
        # Sent first; what is on its way may still be given back, once.
        assert outcome["sent"] == 1
        assert outcome["refunded"] == line.refunded_quantity <= 1
    else:
        assert (outcome["refunded"], outcome["sent"]) == (1, 0)
        assert line.refunded_quantity == 1
