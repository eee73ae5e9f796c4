"""Refunds from stored shares: cumulative, exact, points along with money."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.rules.refunds import (
    PaidLine,
    TooManyUnits,
    UnknownPosition,
    refund_quote,
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
