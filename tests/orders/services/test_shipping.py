"""Parcels leave: each unit once, in as many parcels as it takes."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from crm.shared.models import AuditEntry, Fact
from orders.models import OrderEvent, Shipment, ShipmentLine
from orders.services.cancelling import cancel_order
from orders.services.delivering import deliver_shipment, review_delivery
from orders.services.moving import MoveRefused
from orders.services.refunding import refund_order
from orders.services.returning import send_due_refunds
from orders.services.shipping import (
    NothingToShip,
    OrderNotShippable,
    ShipmentSettled,
    lose_shipment,
    ship,
    units_to_ship,
)
from tests.cast import NOON, make_variant
from tests.orders.shop import fill_cart, pay, place, refuse

LATER = NOON + timedelta(hours=5)


@pytest.fixture
def order(alice, tea, cup):
    """Return a paid order: line 1 three teas, line 2 two cups."""
    placed = place(fill_cart({"TEA": 3, "CUP": 2}, member=alice))
    pay(placed)
    placed.refresh_from_db()
    return placed


def send(order, items, **more):
    given = {"carrier": "SF", "tracking": "SF1", "now": LATER, **more}
    return ship(order_id=order.pk, items=items, **given)


def state_of(order) -> str:
    order.refresh_from_db()
    return order.state


def facts(name: str) -> int:
    return Fact.objects.filter(name=f"orders.{name}").count()


def shipped(order) -> list[int]:
    lines = order.lines.order_by("position")
    return list(lines.values_list("shipped_quantity", flat=True))


def test_an_order_is_shipped_in_parts(order, dana):
    first = send(order, {1: 2}, actor=dana)
    assert state_of(order) == "partly_shipped"
    assert (first.carrier, first.tracking, first.state) == ("SF", "SF1", "sent")
    assert (first.actor, first.sent_at) == ("dana", LATER)
    assert units_to_ship(order_id=order.pk) == {1: 1, 2: 2}
    assert order.shipped_at is None

    send(order, {1: 1, 2: 1}, actor=dana)
    assert state_of(order) == "partly_shipped"
    send(order, {2: 1}, actor=dana)
    assert state_of(order) == "shipped"
    assert (shipped(order), order.shipped_at) == ([3, 2], LATER)
    assert units_to_ship(order_id=order.pk) == {}
    assert (facts("ShipmentSent"), facts("OrderShipped")) == (3, 1)
    moves = OrderEvent.objects.filter(order=order, actor="dana")
    assert [(e.from_state, e.to_state) for e in moves.order_by("id")] == [
        ("paid", "partly_shipped"),
        ("partly_shipped", "shipped"),
    ]
    entry = AuditEntry.objects.filter(action="orders.ship").order_by("id").first()
    assert entry.detail == {"shipment": first.public_id, "units": 2}


@pytest.mark.parametrize(
    ("items", "position"),
    [
        ({1: 4}, 1),
        ({2: 3}, 2),
        ({9: 1}, 9),
        ({1: 0}, 1),
        ({1: -1}, 1),
        ({1: 1, 2: 3}, 2),
    ],
)
def test_units_that_are_not_there_stay(order, dana, items, position):
    before = Fact.objects.count()
    with pytest.raises(NothingToShip) as refused:
        send(order, items, actor=dana)
    assert refused.value.params == {"position": position}
    assert (state_of(order), shipped(order)) == ("paid", [0, 0])
    assert not Shipment.objects.exists()
    assert Fact.objects.count() == before
    assert not AuditEntry.objects.filter(action="orders.ship").exists()


def test_nothing_is_sent_of_what_is_unpaid_or_over(alice, cup, dana):
    unpaid = place(fill_cart({"CUP": 1}, member=alice))
    with pytest.raises(OrderNotShippable):
        send(unpaid, {1: 1}, actor=dana)
    cancel_order(order_id=unpaid.pk, actor="test", reason="", now=NOON)
    with pytest.raises(OrderNotShippable):
        send(unpaid, {1: 1}, actor=dana)
    assert not Shipment.objects.exists()


def test_an_empty_parcel_is_none(order, dana):
    with pytest.raises(OrderNotShippable):
        send(order, {}, actor=dana)


def test_x1_the_same_request_is_one_parcel(order, dana):
    first = send(order, {1: 1}, actor=dana, request_key="k")
    again = send(order, {1: 1}, actor=dana, request_key="k")
    assert again == first
    assert shipped(order) == [1, 0]
    assert facts("ShipmentSent") == 1


@pytest.mark.parametrize("actor", ["member", "system", None])
def test_only_staff_and_programs_with_a_key_ship(order, actor):
    with pytest.raises(MoveRefused):
        send(order, {1: 1}, actor=actor)
    assert (state_of(order), shipped(order)) == ("paid", [0, 0])
    assert not Shipment.objects.exists()


def test_the_database_refuses_more_than_was_bought(order):
    with (
        pytest.raises(IntegrityError, match="ships_what_was_bought"),
        transaction.atomic(),
    ):
        order.lines.filter(position=1).update(shipped_quantity=4)


# --- Refunds on the way -------------------------------------------------------


def give_back(order, items, key="r"):
    return refund_order(
        order_id=order.pk,
        items=items,
        reason="",
        actor="test",
        request_key=key,
        now=LATER,
    )


def test_units_asked_back_stay_in_the_house(order, dana):
    give_back(order, {1: 2})
    with pytest.raises(NothingToShip):
        send(order, {1: 2}, actor=dana)
    send(order, {1: 1}, actor=dana)
    assert units_to_ship(order_id=order.pk) == {2: 2}


def test_a_refund_of_the_rest_completes_the_shipping(order, dana):
    send(order, {1: 3, 2: 1}, actor=dana)
    give_back(order, {2: 1})
    review_delivery(order_id=order.pk, now=LATER)
    # The provider may still refuse: the unit may yet be sent.
    assert state_of(order) == "partly_shipped"
    assert send_due_refunds(now=LATER) == 1
    review_delivery(order_id=order.pk, now=LATER)
    assert state_of(order) == "shipped"
    assert facts("OrderShipped") == 1
    review_delivery(order_id=order.pk, now=LATER)
    assert facts("OrderShipped") == 1


def test_a_refund_that_failed_leaves_the_unit_to_be_sent(order, dana):
    parcel = send(order, {1: 3, 2: 1}, actor=dana)
    refund = give_back(order, {2: 1})
    deliver_shipment(shipment_id=parcel.pk, actor=dana, now=LATER)
    assert state_of(order) == "partly_shipped"
    refuse(refund, now=LATER)
    send(order, {2: 1}, actor=dana)
    assert state_of(order) == "shipped"


def test_the_rest_given_back_after_all_arrived_delivers_the_order(order, dana):
    parcel = send(order, {1: 3, 2: 1}, actor=dana)
    deliver_shipment(shipment_id=parcel.pk, actor=dana, now=LATER)
    assert state_of(order) == "partly_shipped"
    give_back(order, {2: 1})
    assert send_due_refunds(now=LATER) == 1
    review_delivery(order_id=order.pk, now=LATER)
    assert state_of(order) == "delivered"
    assert (facts("OrderShipped"), facts("OrderDelivered")) == (1, 1)


# --- Without a parcel ---------------------------------------------------------


def test_what_needs_no_delivery_is_completed_when_paid(alice):
    make_variant("CARD", 5_000, kind="gift_card")
    placed = place(fill_cart({"CARD": 1}, member=alice))
    pay(placed)
    review_delivery(order_id=placed.pk, now=LATER)
    assert state_of(placed) == "completed"
    assert (facts("OrderCompleted"), facts("OrderShipped")) == (1, 0)
    assert placed.closed_at == LATER
    with pytest.raises(OrderNotShippable):
        send(placed, {1: 1}, actor="key:key_1")


def test_goods_beside_a_gift_card_are_waited_for(alice, cup, dana):
    make_variant("CARD", 5_000, kind="gift_card")
    placed = place(fill_cart({"CARD": 1, "CUP": 1}, member=alice))
    pay(placed)
    review_delivery(order_id=placed.pk, now=LATER)
    assert state_of(placed) == "paid"
    assert units_to_ship(order_id=placed.pk) == {2: 1}
    with pytest.raises(NothingToShip):
        send(placed, {1: 1}, actor=dana)
    send(placed, {2: 1}, actor=dana)
    assert state_of(placed) == "shipped"


# --- Lost parcels -------------------------------------------------------------


def test_units_of_a_lost_parcel_are_sent_again(order, dana):
    lost = send(order, {1: 3}, actor=dana)
    other = send(order, {2: 2}, actor=dana)
    assert state_of(order) == "shipped"
    for _again in range(2):
        lose_shipment(shipment_id=lost.pk, actor=dana, reason="burnt", now=LATER)
    assert (state_of(order), shipped(order)) == ("partly_shipped", [0, 2])
    assert order.shipped_at is None
    lost.refresh_from_db()
    assert (lost.state, lost.lost_at) == ("lost", LATER)
    assert AuditEntry.objects.get(action="orders.lose_shipment").reason == "burnt"
    last = OrderEvent.objects.filter(order=order).latest("id")
    assert (last.to_state, last.reason) == ("partly_shipped", "burnt")

    lose_shipment(shipment_id=other.pk, actor=dana, reason="burnt", now=LATER)
    assert (state_of(order), shipped(order)) == ("paid", [0, 0])
    send(order, {1: 3, 2: 2}, actor=dana)
    assert (state_of(order), order.shipped_at) == ("shipped", LATER)


def test_what_arrived_is_not_lost(order, dana):
    parcel = send(order, {1: 1}, actor=dana)
    deliver_shipment(shipment_id=parcel.pk, actor=dana, now=LATER)
    with pytest.raises(ShipmentSettled):
        lose_shipment(shipment_id=parcel.pk, actor=dana, reason="x", now=LATER)
    assert shipped(order) == [1, 0]
    assert ShipmentLine.objects.get().quantity == 1
