"""Counters and ledger move together, or not at all."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from crm.shared.models import AuditEntry
from orders.models import StockMove, Variant
from orders.services.cancelling import cancel_order, release_unpaid
from orders.services.counting_stock import (
    LessThanReserved,
    StockNotKept,
    TooManyUnits,
    adjust_stock,
    count_stock,
    receive_stock,
)
from orders.services.stocking import OutOfStock, reserve_stock, return_stock
from orders.services.verifying_stock import verify_stock
from tests.cast import NOON, make_variant
from tests.orders.shop import fill_cart, pay, place

pytestmark = pytest.mark.django_db


def moves(variant: Variant) -> list[tuple]:
    """Return (kind, on hand, reserved, order) of every move but the first count."""
    rows = StockMove.objects.filter(variant=variant).exclude(actor="test")
    return list(
        rows.order_by("id").values_list(
            "kind", "delta_on_hand", "delta_reserved", "order_id"
        )
    )


def counters(variant: Variant) -> tuple[int | None, int]:
    variant.refresh_from_db()
    return variant.on_hand, variant.reserved


@pytest.fixture(autouse=True)
def books_agree():
    """Whatever a test does, the ledger tells the same story afterwards."""
    yield
    assert verify_stock().findings == ()


def test_an_order_promises_then_sells(tea, cup, alice):
    order = place(fill_cart({"TEA": 2, "CUP": 3}, member=alice))
    assert counters(tea) == (5, 2)
    assert moves(tea) == [("reserved", 0, 2, order.pk)]
    pay(order)
    assert counters(tea) == (3, 0)
    assert moves(tea)[1:] == [("sold", -2, -2, order.pk)]
    # Not kept: promised and sold all the same, and no shelf is emptied.
    assert counters(cup) == (None, 0)
    assert moves(cup) == [
        ("reserved", 0, 3, order.pk),
        ("sold", 0, -3, order.pk),
    ]


def test_a_cancelled_order_gives_back(tea):
    order = place(fill_cart({"TEA": 2}))
    cancel_order(order_id=order.pk, actor="buyer", reason="", now=NOON)
    assert counters(tea) == (5, 0)
    assert moves(tea)[1:] == [("released", 0, -2, order.pk)]


def test_orders_released_together_have_a_move_each(tea, django_assert_num_queries):
    first, second = (place(fill_cart({"TEA": units})) for units in (2, 1))
    late = first.payment_due_at
    assert release_unpaid(now=late) == 2
    assert counters(tea) == (5, 0)
    assert moves(tea)[2:] == [
        ("released", 0, -2, first.pk),
        ("released", 0, -1, second.pk),
    ]


def test_a_promise_is_of_all_or_of_none(tea, cup):
    with pytest.raises(OutOfStock), transaction.atomic():
        reserve_stock({tea.pk: 6, cup.pk: 1}, order_id=None, now=NOON)
    assert (counters(tea), counters(cup)) == ((5, 0), (None, 0))
    assert (moves(tea), moves(cup)) == ([], [])


def test_r15_goods_come_back_when_somebody_says_they_are_good(tea, cup, dana):
    order = place(fill_cart({"TEA": 2, "CUP": 1}))
    pay(order)
    return_stock(
        {tea.pk: 1, cup.pk: 1},
        order_id=order.pk,
        actor=dana,
        reason="unopened",
        now=NOON,
    )
    assert (counters(tea), counters(cup)) == ((4, 0), (None, 0))
    back = StockMove.objects.get(variant=tea, kind="returned")
    assert (back.delta_on_hand, back.actor, back.reason) == (1, "dana", "unopened")
    assert StockMove.objects.get(variant=cup, kind="returned").delta_on_hand == 0


def test_staff_receive_count_and_correct(tea, dana):
    how = {"variant_id": tea.pk, "actor": dana, "now": NOON}
    receive_stock(units=10, reason="delivery 7", **how)
    adjust_stock(units=-2, reason="broken", **how)
    count_stock(on_hand=20, reason="stocktaking", **how)
    count_stock(on_hand=20, reason="again", **how)
    assert counters(tea) == (20, 0)
    assert moves(tea) == [
        ("received", 10, 0, None),
        ("adjusted", -2, 0, None),
        ("counted", 7, 0, None),
    ]
    entries = AuditEntry.objects.order_by("id").values_list(
        "action", "actor", "reason", "detail"
    )
    assert list(entries) == [
        ("orders.stock.received", "dana", "delivery 7", {"from": 5, "to": 15}),
        ("orders.stock.adjusted", "dana", "broken", {"from": 15, "to": 13}),
        ("orders.stock.counted", "dana", "stocktaking", {"from": 13, "to": 20}),
    ]


def test_keeping_stock_begins_and_ends_by_counting(cup, dana):
    how = {"variant_id": cup.pk, "actor": dana, "reason": "stocktaking", "now": NOON}
    with pytest.raises(StockNotKept):
        receive_stock(units=1, **how)
    order = place(fill_cart({"CUP": 3}))
    with pytest.raises(LessThanReserved):
        count_stock(on_hand=2, **how)
    count_stock(on_hand=4, **how)
    assert counters(cup) == (4, 3)
    cancel_order(order_id=order.pk, actor="buyer", reason="", now=NOON)
    count_stock(on_hand=None, **how)
    assert counters(cup) == (None, 0)
    assert [move[:2] for move in moves(cup)] == [
        ("reserved", 0),
        ("counted", 4),
        ("released", 0),
        ("counted", -4),
    ]


@pytest.mark.parametrize(
    ("verb", "units", "refusal"),
    [
        (adjust_stock, -4, LessThanReserved),
        (adjust_stock, -6, LessThanReserved),
        (receive_stock, 10**9, TooManyUnits),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_no_trace(tea, dana, verb, units, refusal):
    place(fill_cart({"TEA": 2}))
    before = (moves(tea), AuditEntry.objects.count())
    with pytest.raises(refusal):
        verb(variant_id=tea.pk, units=units, actor=dana, reason="why", now=NOON)
    assert counters(tea) == (5, 2)
    assert (moves(tea), AuditEntry.objects.count()) == before


def test_moves_stay_as_they_were(tea):
    place(fill_cart({"TEA": 2}))
    for change in (
        lambda: StockMove.objects.update(delta_reserved=1),
        lambda: StockMove.objects.all().delete(),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


@pytest.mark.parametrize(
    ("kind", "on_hand", "reserved"),
    [
        ("reserved", 0, 0),
        ("reserved", 1, 1),
        ("released", 0, 1),
        ("sold", 1, -1),
        ("received", -1, 0),
        ("received", 1, 1),
        ("counted", 0, 1),
    ],
)
def test_a_move_that_means_nothing_cannot_be_written(tea, kind, on_hand, reserved):
    with pytest.raises(IntegrityError), transaction.atomic():
        StockMove.objects.create(
            variant=tea,
            kind=kind,
            delta_on_hand=on_hand,
            delta_reserved=reserved,
            occurred_at=NOON,
        )


def test_a_difference_is_found_and_named():
    milk = make_variant("MILK", 100, on_hand=5)
    out = StringIO()
    call_command("verify_stock", stdout=out)
    assert out.getvalue() == "1 SKUs and 1 moves agree.\n"
    with transaction.atomic():
        Variant.objects.filter(pk=milk.pk).update(on_hand=7, reserved=1)
        error = StringIO()
        with pytest.raises(CommandError, match="1 SKUs differ"):
            call_command("verify_stock", stderr=error)
        assert error.getvalue() == (
            "MILK: on hand 7, moves say 5; reserved 1, moves say 0.\n"
        )
        transaction.set_rollback(True)


def test_one_statement_moves_any_number_of_skus(django_assert_num_queries):
    skus = [make_variant(f"S{n}", 100, on_hand=9) for n in range(30)]
    # The lock, then counters and moves together.
    with django_assert_num_queries(2):
        reserve_stock({sku.pk: 2 for sku in skus}, order_id=None, now=NOON)
    assert StockMove.objects.filter(kind="reserved").count() == 30


def test_counters_without_moves_would_be_seen(tea):
    """The check of every test here can fail: what writes past the ledger differs."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("UPDATE orders_variant SET reserved = 1")
        assert len(verify_stock().findings) == 1
        transaction.set_rollback(True)
