"""Even exchanges (R13): value and shares go over; money goes back where it came from."""

import pytest

from crm.shared.models import Fact
from orders.models import Allocation, Order, Payment, Refund
from orders.providers.test import TestProvider
from orders.rules.offers import Stage
from orders.services.exchanging import Swap, exchange_units
from orders.services.refund_preview import NothingToRefund
from orders.services.refunding import refund_order
from orders.services.returning import send_due_refunds
from orders.services.stocking import OutOfStock
from tests.cast import NOON, make_variant
from tests.orders.shop import Off, Offers, as_gift, fill_cart, pay, place


@pytest.fixture
def mug(db):
    return make_variant("MUG", 3_333, on_hand=5)


@pytest.fixture
def paid(alice, cup, tea):
    """Three cups and a tea: 199.99 with 10.00 off and 5.00 by 50 points."""
    Offers.offers[:] = [
        Off("prm_a", 1000),
        Off("pts", 500, stage=Stage.POINTS, points=50),
    ]
    order = place(fill_cart({"CUP": 3, "TEA": 1}, member=alice))
    pay(order)
    order.refresh_from_db()
    return order


def swap(order, variant, *, position=1, units=1, key="x1"):
    return exchange_units(
        order_id=order.pk,
        swaps=[Swap(position, units, variant.pk)],
        reason="too small",
        actor="dana",
        request_key=key,
        now=NOON,
    )


def give_back(order, items, key):
    return refund_order(
        order_id=order.pk,
        items=items,
        reason="",
        actor="dana",
        request_key=key,
        now=NOON,
    )


def test_r13_the_new_line_takes_over_net_and_allocations(paid, mug):
    new = swap(paid, mug)
    line, old = new.lines.get(), paid.lines.get(position=1)
    refund = Refund.objects.get()
    assert (refund.kind, refund.state, refund.points_returned) == (
        "exchange",
        "completed",
        0,
    )
    # Three cups cost 99.99 less 5.00 and 2.50: a third of 92.49 is 30.83.
    assert (line.sku, line.gross_minor, line.net_minor) == ("MUG", 3_333, 3_083)
    assert (line.replaces, old.refunded_quantity) == (old, 1)
    shares = Allocation.objects.filter(line=line).order_by("source_id")
    assert list(shares.values_list("source_id", "amount_minor", "points")) == [
        ("prm_a", 167, 0),
        ("pts", 83, 8),
    ]
    assert sum(share.amount_minor for share in shares) == line.discount_minor == 250
    assert (new.state, new.source, new.paid_minor, new.exchange_of) == (
        "paid",
        "exchange",
        3_083,
        paid,
    )
    payment = new.payments.get()
    assert (payment.provider, payment.state, payment.amount_minor) == (
        "exchange",
        "captured",
        3_083,
    )
    assert TestProvider.asked == {}, "no money moves"
    mug.refresh_from_db()
    assert (mug.on_hand, mug.reserved) == (4, 0)


def test_what_was_paid_comes_back_whole_through_any_exchange(paid, mug):
    """One cup exchanged, the rest refunded, then the mug: all money, all points."""
    new = swap(paid, mug)
    first = give_back(paid, {1: 2, 2: 1}, "k1")
    second = give_back(new, {1: 1}, "k2")
    assert first.amount_minor + second.amount_minor == paid.total_minor
    assert first.points_returned + second.points_returned == 50
    send_due_refunds(now=NOON)
    payment = Payment.objects.get(provider="test")
    assert payment.refunded_minor == payment.amount_minor == paid.total_minor
    assert sum(TestProvider.given_back.values()) == paid.total_minor
    passed_on = Payment.objects.get(provider="exchange").refunded_minor
    assert passed_on == second.amount_minor
    states = Order.objects.order_by("id").values_list("state", flat=True)
    assert list(states) == ["refunded", "refunded"]


def test_an_exchange_of_what_is_not_there_is_refused(paid, mug):
    for units in (0, 4):
        with pytest.raises(NothingToRefund):
            swap(paid, mug, units=units)
    sold_out = make_variant("GONE", 3_333, on_hand=0)
    with pytest.raises(OutOfStock):
        swap(paid, sold_out)
    assert Order.objects.count() == 1


def test_x1_the_same_request_is_one_exchange(paid, mug):
    assert swap(paid, mug).pk == swap(paid, mug).pk
    assert Order.objects.count() == 2
    told = Fact.objects.filter(name="orders.RefundCompleted")
    assert told.count() == 1


def test_r8_an_exchanged_cause_keeps_its_gift(paid, mug):
    as_gift(paid.lines.get(position=2), 1)
    swap(paid, mug, units=2)
    third = give_back(paid, {1: 1}, "k1")
    # One of three cups went back for money: no whole gift is due for it.
    assert third.deducted_minor == 0


def test_an_order_exchanged_as_a_whole_is_closed(alice, cup, mug):
    order = place(fill_cart({"CUP": 1}, member=alice))
    pay(order)
    new = swap(order, mug)
    order.refresh_from_db()
    assert (order.state, new.state) == ("refunded", "paid")
    again = make_variant("BOWL", 3_333)
    third = swap(new, again, key="x2")
    give_back(third, {1: 1}, "k1")
    assert send_due_refunds(now=NOON) == 1
    assert sum(TestProvider.given_back.values()) == 3_333
