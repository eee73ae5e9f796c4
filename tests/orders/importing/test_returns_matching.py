from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.rules.returns_matching import (
    Match,
    Purchase,
    Return,
    Unmatched,
    match_returns,
)

START = datetime(2011, 1, 1, tzinfo=UTC)


def day(number):
    return START + timedelta(days=number)


def bought(line, on, units, price, *, left=None, money=None):
    left = units if left is None else left
    money = left * price if money is None else money
    return Purchase(line, line * 10, day(on), price, left, money)


def back(row, on, units, price):
    return Return(row, day(on), units, price)


@pytest.mark.parametrize(
    ("_case", "purchases", "returns", "matches", "leftovers"),
    [
        (
            "whole line",
            [bought(1, 0, 5, 100)],
            [back(9, 1, 5, 100)],
            [Match(9, 1, 10, 5, 500)],
            [],
        ),
        (
            "the same moment counts as before",
            [bought(1, 1, 5, 100)],
            [back(9, 1, 2, 100)],
            [Match(9, 1, 10, 2, 200)],
            [],
        ),
        (
            "bought only later",
            [bought(1, 2, 5, 100)],
            [back(9, 1, 2, 100)],
            [],
            [Unmatched(9, 2, 200, "no_purchase")],
        ),
        (
            "the most recent first, split over lines",
            [bought(1, 0, 5, 100), bought(2, 1, 3, 100)],
            [back(9, 2, 4, 100)],
            [Match(9, 2, 20, 3, 300), Match(9, 1, 10, 1, 100)],
            [],
        ),
        (
            "the same price before the more recent",
            [bought(1, 0, 5, 100), bought(2, 1, 5, 90)],
            [back(9, 2, 6, 100)],
            [Match(9, 1, 10, 5, 500), Match(9, 2, 20, 1, 100)],
            [],
        ),
        (
            "cheaper than paid: the file's money goes back",
            [bought(1, 0, 5, 100)],
            [back(9, 1, 5, 80)],
            [Match(9, 1, 10, 5, 400)],
            [],
        ),
        (
            "dearer than paid: as many units as the money covers",
            [bought(1, 0, 5, 100)],
            [back(9, 1, 5, 150)],
            [Match(9, 1, 10, 3, 450)],
            [Unmatched(9, 2, 300, "worth_more_than_paid")],
        ),
        (
            "more units than bought",
            [bought(1, 0, 2, 100)],
            [back(9, 1, 3, 100)],
            [Match(9, 1, 10, 2, 200)],
            [Unmatched(9, 1, 100, "purchases_used_up")],
        ),
        (
            "units are given back once, the earlier return first",
            [bought(1, 0, 4, 100)],
            [back(9, 3, 3, 100), back(8, 2, 3, 100)],
            [Match(8, 1, 10, 3, 300), Match(9, 1, 10, 1, 100)],
            [Unmatched(9, 2, 200, "purchases_used_up")],
        ),
        (
            "what was refunded before is gone",
            [bought(1, 0, 4, 100, left=1)],
            [back(9, 1, 2, 100)],
            [Match(9, 1, 10, 1, 100)],
            [Unmatched(9, 1, 100, "purchases_used_up")],
        ),
        (
            "free of charge",
            [bought(1, 0, 4, 100)],
            [back(9, 1, 2, 0)],
            [Match(9, 1, 10, 2, 0)],
            [],
        ),
        (
            "bought for nothing, returned for money",
            [bought(1, 0, 4, 0)],
            [back(9, 1, 2, 100)],
            [],
            [Unmatched(9, 2, 200, "worth_more_than_paid")],
        ),
    ],
)
def test_returns_find_their_purchase(_case, purchases, returns, matches, leftovers):
    assert match_returns(purchases, returns) == (matches, leftovers)


PURCHASES = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 20), st.integers(0, 500)), max_size=8
)
RETURNS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(1, 25), st.integers(0, 700)), max_size=8
)


@given(PURCHASES, RETURNS)
def test_units_and_money_come_out_whole_and_never_exceed(purchases, returns):
    lines = [bought(n, *parts) for n, parts in enumerate(purchases, 1)]
    had = {p.line_id: (p.at, p.units_left, p.money_left_minor) for p in lines}
    wanted = {n: back(n, *parts) for n, parts in enumerate(returns, 100)}

    matches, leftovers = match_returns(lines, list(wanted.values()))

    for row, asked in wanted.items():
        parts = [p for p in (*matches, *leftovers) if p.row == row]
        assert sum(p.quantity for p in parts) == asked.quantity
        assert sum(p.amount_minor for p in parts) == asked.quantity * asked.price_minor
        assert all(p.quantity > 0 and p.amount_minor >= 0 for p in parts)
    for line_id, (at, units, money) in had.items():
        taken = [m for m in matches if m.line_id == line_id]
        assert sum(m.quantity for m in taken) <= units
        assert sum(m.amount_minor for m in taken) <= money
        assert all(wanted[m.row].at >= at for m in taken)


@given(PURCHASES, RETURNS, st.randoms())
def test_the_order_of_the_file_does_not_matter(purchases, returns, chance):
    def lines():
        return [bought(n, *parts) for n, parts in enumerate(purchases, 1)]

    wanted = [back(n, *parts) for n, parts in enumerate(returns, 100)]
    shuffled_lines, shuffled = lines(), list(wanted)
    chance.shuffle(shuffled_lines)
    chance.shuffle(shuffled)

    assert match_returns(shuffled_lines, shuffled) == match_returns(lines(), wanted)
