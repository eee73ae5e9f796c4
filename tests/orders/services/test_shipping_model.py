"""Random parcels, losses, arrivals and refunds beside a model of a few lines.

The model keeps units by line; the shop must agree with it after every step.
"""

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.shared.errors import Refusal
from orders.models import OrderEvent, Shipment, ShipmentLine
from orders.rules.lifecycle import may_move
from orders.services.completing import confirm_order
from orders.services.delivering import deliver_shipment, review_delivery
from orders.services.refunding import refund_order
from orders.services.returning import send_due_refunds
from orders.services.shipping import lose_shipment, ship
from tests.cast import NOON
from tests.orders.shop import fill_cart, pay, place

BOUGHT = {1: 3, 2: 2}
KEY = "key:key_1"
UNITS = st.dictionaries(st.sampled_from([1, 2]), st.integers(1, 3), min_size=1)
STEP = st.one_of(
    st.tuples(st.just("ship"), UNITS),
    st.tuples(st.just("lose"), st.integers(0, 5)),
    st.tuples(st.just("deliver"), st.integers(0, 5)),
    st.tuples(st.just("refund"), UNITS),
    st.tuples(st.just("confirm"), st.none()),
)


class Model:
    """What an order ought to be."""

    def __init__(self):
        self.refunded = {1: 0, 2: 0}
        self.parcels: list[tuple[str, dict[int, int]]] = []
        self.is_confirmed = False

    def sent(self, position: int) -> int:
        return sum(p.get(position, 0) for state, p in self.parcels if state != "lost")

    def left(self, position: int) -> int:
        return max(0, BOUGHT[position] - self.refunded[position] - self.sent(position))

    @property
    def state(self) -> str:
        if self.refunded == BOUGHT:
            return "refunded"
        if self.is_confirmed:
            return "completed"
        sent = sum(map(self.sent, BOUGHT))
        if any(map(self.left, BOUGHT)):
            return "partly_shipped" if sent else "paid"
        on_its_way = any(state == "sent" for state, _units in self.parcels)
        return "shipped" if on_its_way else "delivered"


class Shop:
    """The same steps in the shop; each returns whether it was done."""

    def __init__(self, order):
        self.order, self.now, self.parcels, self.refunds = order, NOON, [], 0

    def ship(self, items) -> bool:
        self.parcels.append(
            ship(order_id=self.order.pk, items=items, actor=KEY, now=self.now).pk
        )
        return True

    def lose(self, index) -> bool:
        lose_shipment(
            shipment_id=self.parcels[index], actor=KEY, reason="", now=self.now
        )
        return True

    def deliver(self, index) -> bool:
        return deliver_shipment(
            shipment_id=self.parcels[index], actor=KEY, now=self.now
        )

    def refund(self, items) -> bool:
        self.refunds += 1
        refund_order(
            order_id=self.order.pk,
            items=items,
            reason="",
            actor="test",
            request_key=f"{self.order.pk}:{self.refunds}",
            now=self.now,
        )
        send_due_refunds(now=self.now)
        review_delivery(order_id=self.order.pk, now=self.now)
        return True

    def confirm(self, _nothing) -> bool:
        confirm_order(order_id=self.order.pk, now=self.now)
        return True


def expected(model: Model, verb: str, what) -> bool:
    """Do a step in the model; return whether it is possible."""
    if verb in {"lose", "deliver"}:
        state, units = model.parcels[what]
        if state != "sent":
            return verb == "lose" and state == "lost"
        model.parcels[what] = ("lost" if verb == "lose" else "delivered", units)
        return True
    if verb == "confirm":
        possible = model.state in {"shipped", "delivered", "completed"}
        if possible:
            model.is_confirmed = True
            model.parcels = [
                ("delivered" if state == "sent" else state, units)
                for state, units in model.parcels
            ]
        return possible
    if verb == "ship":
        possible = model.state in {"paid", "partly_shipped"} and all(
            n <= model.left(position) for position, n in what.items()
        )
        if possible:
            model.parcels.append(("sent", what))
        return possible
    possible = model.state != "refunded" and all(
        n <= BOUGHT[position] - model.refunded[position] for position, n in what.items()
    )
    if possible:
        for position, n in what.items():
            model.refunded[position] += n
    return possible


@pytest.mark.slow
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(STEP, max_size=9))
def test_the_shop_agrees_with_the_model_after_every_step(steps, alice, tea, cup):
    with transaction.atomic():
        order = place(fill_cart({"TEA": 3, "CUP": 2}, member=alice))
        pay(order)
        shop, model = Shop(order), Model()
        for verb, what in steps:
            if verb in {"lose", "deliver"}:
                if not shop.parcels:
                    continue
                what %= len(shop.parcels)
            shop.now += timedelta(hours=1)
            try:
                with transaction.atomic():
                    done = getattr(shop, verb)(what)
            except Refusal:
                done = False
            assert done is expected(model, verb, what), (verb, what)
            agree(order, model)
        transaction.set_rollback(True)


def agree(order, model: Model) -> None:
    order.refresh_from_db()
    assert order.state == model.state
    for line in order.lines.all():
        in_parcels = ShipmentLine.objects.filter(order_line=line).exclude(
            shipment__state=Shipment.State.LOST
        )
        sent = sum(in_parcels.values_list("quantity", flat=True))
        assert line.shipped_quantity == sent == model.sent(line.position)
        assert line.refunded_quantity == model.refunded[line.position]
    moves = OrderEvent.objects.filter(order=order).exclude(from_state="")
    assert all(may_move(move.from_state, move.to_state) for move in moves)
