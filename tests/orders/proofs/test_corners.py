"""Corners of the life of an order that random lives seldom reach."""

import pytest

from crm.shared.outbox import drain
from orders.models import Order, Refund, RefundTender
from orders.providers.base import RefundAnswer
from orders.services.mending import withdraw_refund
from orders.services.refunding import (
    RefundKeyReused,
    refund_order,
)
from orders.services.returning import settle_tender
from tests.cast import NOON, make_member
from tests.orders.proofs.counter import open_shop, order_of
from tests.orders.shop import fill_cart, pay


@pytest.fixture
def order(db, settings) -> Order:
    """Return a paid order of one tea, with freight."""
    settings.FREIGHT_MINOR = 800
    order = order_of(fill_cart({"TEA": 1}, member=open_shop()))
    pay(order)
    drain(now=NOON)
    return order


def ask(order: Order, items: dict[int, int], key: str, *, freight: bool = False):
    return refund_order(
        order_id=order.pk,
        items=items,
        reason="",
        actor="test",
        request_key=key,
        freight=freight,
        now=NOON,
    )


def answer(refund, what: RefundAnswer) -> None:
    tender = RefundTender.objects.get(refund=refund)
    settle_tender(tender_id=tender.pk, answer=what, now=NOON)


def test_an_order_is_refunded_when_its_last_open_refund_is_given_up(order):
    """All units are back, and the refund of the freight alone is refused."""
    goods = ask(order, {1: 1}, "goods")
    freight = ask(order, {}, "freight", freight=True)
    assert (goods.amount_minor, freight.amount_minor) == (10_000, 800)
    answer(goods, RefundAnswer.DONE)
    answer(freight, RefundAnswer.REFUSED)
    order.refresh_from_db()
    assert order.state == "paid"
    withdraw_refund(refund_id=freight.pk, actor="test", reason="", now=NOON)
    order.refresh_from_db()
    assert order.state == "refunded"


def test_news_between_two_refunds_do_not_complete_an_empty_order(order):
    goods = ask(order, {1: 1}, "goods")
    freight = ask(order, {}, "freight", freight=True)
    answer(goods, RefundAnswer.DONE)
    drain(now=NOON)
    answer(freight, RefundAnswer.DONE)
    drain(now=NOON)
    order.refresh_from_db()
    assert order.state == "refunded"
    moves = list(order.events.order_by("id").values_list("to_state", flat=True))
    assert moves == ["pending", "paid", "refunded"]


def test_x1_a_key_of_another_order_is_not_answered_with_its_refund(order):
    other = order_of(fill_cart({"CUP": 1}, member=make_member(2)))
    pay(other)
    first = ask(order, {1: 1}, "one key")
    with pytest.raises(RefundKeyReused):
        ask(other, {1: 1}, "one key")
    assert list(Refund.objects.all()) == [first]
