"""Refunds from stored shares: cumulative, exact, points along with money."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.rules.refunds import (
    DeductionKind,
    PaidLine,
    Tender,
    TooManyUnits,
    UnknownPosition,
    freight_is_owed,
    gifts_kept_minor,
    refund_quote,
    tender_shares,
    unit_prices,
)


def test_r2_three_units_of_a_hundred_come_back_exactly():
    given_back = []
    for returned, so_far in ((0, 0), (1, 3333), (2, 6667)):
        paid = PaidLine(1, 3, 10000, refunded_quantity=returned, refunded_minor=so_far)
        given_back.append(refund_quote([paid], {1: 1}).amount_minor)
    assert given_back == [3333, 3334, 3333]


@pytest.mark.parametrize(
    ("_case", "paid", "units", "amount", "points"),
    [
        ("all at once", PaidLine(1, 3, 10000, points=50), 3, 10000, 50),
        ("a free unit", PaidLine(1, 1, 0), 1, 0, 0),
        ("points go along", PaidLine(1, 2, 1000, points=5), 1, 500, 3),
        ("the rest of them", PaidLine(1, 2, 1000, 1, 500, 5, 3), 1, 500, 2),
        ("books that gave too much", PaidLine(1, 2, 1000, 1, 900), 1, 100, 0),
        ("and far too much", PaidLine(1, 3, 900, 1, 700), 1, 0, 0),
    ],
)
def test_a_line_gives_back_its_share(_case, paid, units, amount, points):
    quote = refund_quote([paid], {1: units})
    assert (quote.amount_minor, quote.points) == (amount, points)


def test_freight_goes_back_only_when_told():
    lines = [PaidLine(1, 1, 1000), PaidLine(2, 1, 500)]
    assert refund_quote(lines, {1: 1}).amount_minor == 1000
    with_freight = refund_quote(lines, {1: 1}, freight_left_minor=80)
    assert (with_freight.amount_minor, with_freight.freight_minor) == (1080, 80)


def test_the_last_unit_is_known():
    lines = [PaidLine(1, 2, 1000, refunded_quantity=1), PaidLine(2, 1, 500)]
    assert not refund_quote(lines, {1: 1}).is_last
    assert refund_quote(lines, {1: 1, 2: 1}).is_last


@pytest.mark.parametrize("units", [-1, 0, 3])
def test_r3_more_units_than_are_left_are_refused(units):
    with pytest.raises(TooManyUnits):
        refund_quote([PaidLine(1, 3, 900, refunded_quantity=1)], {1: units})


def test_a_line_the_order_does_not_have_is_refused():
    with pytest.raises(UnknownPosition):
        refund_quote([PaidLine(1, 3, 900)], {2: 1})


@given(
    st.integers(0, 10**9),
    st.integers(0, 10**6),
    st.lists(st.integers(1, 9), min_size=1, max_size=6),
)
def test_r2_any_portions_give_back_exactly_what_was_paid(net, points, portions):
    quantity = sum(portions)
    money = returned_points = units = 0
    for portion in portions:
        paid = PaidLine(1, quantity, net, units, money, points, returned_points)
        quote = refund_quote([paid], {1: portion})
        assert quote.amount_minor >= 0
        money += quote.amount_minor
        returned_points += quote.points
        units += portion
    assert (money, returned_points) == (net, points)


@given(st.integers(0, 10**9), st.integers(1, 200))
def test_s11_unit_prices_add_up_and_differ_by_one_at_most(net, quantity):
    prices = unit_prices(net, quantity)
    assert (sum(prices), len(prices)) == (net, quantity)
    assert max(prices) - min(prices) <= 1


def test_r3_units_promised_to_a_return_are_nobody_elses():
    promised = PaidLine(1, 3, 900, promised=2)
    assert refund_quote([promised], {1: 1}).amount_minor == 300
    with pytest.raises(TooManyUnits):
        refund_quote([promised], {1: 2})


def test_r9_the_free_unit_of_a_deal_gives_back_nothing():
    lines = [PaidLine(1, 2, 20_000), PaidLine(2, 1, 0)]
    assert refund_quote(lines, {2: 1}).amount_minor == 0
    assert refund_quote(lines, {1: 1}).amount_minor == 10_000
    assert refund_quote(lines, {1: 2, 2: 1}).amount_minor == 20_000


@pytest.mark.parametrize(
    ("is_shipped", "is_last", "is_fault", "owed"),
    [
        (False, True, False, True),
        (False, False, False, False),
        (True, True, False, False),
        (True, False, True, True),
        (False, False, True, True),
    ],
)
def test_r5_when_freight_goes_back(is_shipped, is_last, is_fault, owed):
    assert (
        freight_is_owed(is_shipped=is_shipped, is_last=is_last, is_fault=is_fault)
        is owed
    )


# --- Deductions ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("_case", "back", "items", "kept"),
    [
        ("cause stays", (0, 0), {2: 1}, 0),
        ("half of it goes back", (0, 0), {1: 1}, 0),
        ("all of it goes back", (0, 0), {1: 2}, 900),
        ("with the gift", (0, 0), {1: 2, 2: 1}, 0),
        ("the gift came before", (0, 1), {1: 2}, 0),
        ("the rest goes back", (1, 0), {1: 1}, 900),
    ],
)
def test_r8_the_listed_value_of_a_kept_gift(_case, back, items, kept):
    tea = PaidLine(1, 2, 10_000, refunded_quantity=back[0])
    gift = PaidLine(
        2, 1, 0, refunded_quantity=back[1], list_price_minor=900, gift_of=(1,)
    )
    assert gifts_kept_minor([tea, gift], items) == kept


def test_r8_a_deduction_is_never_more_than_the_refund_and_waits_for_the_next():
    lines = [PaidLine(1, 2, 1_000)]
    losses = {DeductionKind.GIFT_KEPT: 800}
    first = refund_quote(lines, {1: 1}, losses=losses)
    assert (first.amount_minor, first.deducted_minor) == (0, 500)
    again = [PaidLine(1, 2, 1_000, 1, 500)]
    taken = {DeductionKind.GIFT_KEPT: 500}
    second = refund_quote(again, {1: 1}, losses=losses, deducted=taken)
    assert (second.amount_minor, second.deducted_minor) == (200, 300)


@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 10**6)), min_size=1),
    st.data(),
)
def test_any_deductions_come_back_with_the_last_unit(bought, data):
    """However losses rise and fall, all of it gives back exactly what was paid."""
    lines = [PaidLine(n, q, net) for n, (q, net) in enumerate(bought, start=1)]
    given, deducted = 0, dict.fromkeys(DeductionKind, 0)
    while any(line.refunded_quantity < line.quantity for line in lines):
        items = {
            line.position: data.draw(
                st.integers(0, line.quantity - line.refunded_quantity)
            )
            for line in lines
        }
        items = {position: units for position, units in items.items() if units}
        if not items:
            items = {
                line.position: line.quantity - line.refunded_quantity
                for line in lines
                if line.refunded_quantity < line.quantity
            }
        is_last = all(
            items.get(line.position, 0) == line.quantity - line.refunded_quantity
            for line in lines
        )
        losses = {
            kind: 0 if is_last else data.draw(st.integers(0, 10**6))
            for kind in DeductionKind
        }
        quote = refund_quote(lines, items, losses=losses, deducted=deducted)
        assert quote.amount_minor >= 0
        assert quote.is_last is is_last
        given += quote.amount_minor
        for part in quote.deductions:
            deducted[part.kind] += part.amount_minor
        parts = {part.position: part for part in quote.lines}
        lines = [
            PaidLine(
                line.position,
                line.quantity,
                line.net_minor,
                line.refunded_quantity + items.get(line.position, 0),
                line.refunded_minor
                + (parts[line.position].amount_minor if line.position in parts else 0),
            )
            for line in lines
        ]
    assert given == sum(net for _, net in bought)


# --- Tenders (R4) -------------------------------------------------------------


@given(
    st.lists(st.integers(1, 10**7), min_size=1, max_size=5),
    st.lists(st.integers(1, 10**6), max_size=12),
)
def test_r4_any_sequence_of_refunds_adds_up_per_payment(paid, wishes):
    whole, back, total = sum(paid), [0] * len(paid), 0
    for wish in [*wishes, whole]:
        amount = min(wish, whole - total)
        parts = tender_shares(
            amount,
            [
                Tender(n, "p", a, b)
                for n, (a, b) in enumerate(zip(paid, back, strict=True))
            ],
        )
        assert sum(part.amount_minor for part in parts) == amount
        total += amount
        for part in parts:
            assert part.amount_minor > 0
            back[part.payment_id] += part.amount_minor
        for amount_paid, amount_back in zip(paid, back, strict=True):
            assert 0 <= amount_back <= amount_paid
            # Nobody is further from the exact part than one unit a payment.
            assert abs(amount_back * whole - total * amount_paid) <= len(paid) * whole
    assert back == paid


def test_r4_what_exceeds_every_payment_is_left_out():
    assert tender_shares(500, []) == []
    (part,) = tender_shares(500, [Tender(1, "p", 300)])
    assert part.amount_minor == 300
