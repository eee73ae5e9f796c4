"""Prices of rewards, and the moves of a redemption."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.shared.conditions import Field, read_condition
from loyalty.models import RewardRedemption
from loyalty.rules.rewards import (
    MOVES,
    STANDING,
    PriceRow,
    may_move,
    price_of,
    price_row,
    refund_deadline,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
GOLD, PLUS = PriceRow(800, "tier:gold"), PriceRow(700, "plan:plus")
ORDERS = Field("loyalty.orders", "number", "orders")
BUYERS = PriceRow(
    900,
    "",
    read_condition(
        {"field": ORDERS.name, "is": "gte", "value": 3}, {ORDERS.name: ORDERS}
    ),
)


@pytest.mark.parametrize(
    ("_case", "rows", "marks", "orders", "points"),
    [
        ("no row", [], set(), 0, 1_000),
        ("none is meant", [GOLD, PLUS, BUYERS], set(), 0, 1_000),
        ("the only one", [GOLD], {"tier:gold"}, 0, 800),
        (
            "the first of two, not the lowest",
            [GOLD, PLUS],
            {"tier:gold", "plan:plus"},
            0,
            800,
        ),
        ("the order decides", [PLUS, GOLD], {"tier:gold", "plan:plus"}, 0, 700),
        ("by a condition", [GOLD, BUYERS], set(), 3, 900),
        ("free is a price", [PriceRow(0, "tier:gold")], {"tier:gold"}, 0, 0),
    ],
)
def test_first_row_that_is_meant_wins(_case, rows, marks, orders, points):
    facts = {"loyalty.orders": orders}
    usual = PriceRow(1_000)
    assert price_of(usual, rows, marks=marks, facts=facts).points == points


@given(
    st.lists(st.tuples(st.integers(0, 99), st.sampled_from(["", "a", "b"]))),
    st.sets(st.sampled_from(["a", "b"])),
)
def test_a_price_is_that_of_the_first_row_whose_mark_is_held(table, marks):
    rows = [PriceRow(points, mark) for points, mark in table]
    place = price_row(rows, marks=marks, facts={})
    meant = [row for row in rows if not row.audience or row.audience in marks]
    assert (place is None) == (not meant)
    if place is not None:
        assert rows[place] is meant[0]


def test_every_state_has_its_moves_and_ends_stay_ends():
    states = {str(state) for state in RewardRedemption.State}
    assert set(MOVES) == states
    assert set().union(*MOVES.values()) <= states
    # Whoever was let in has it for good: it counts, and nothing comes after it.
    ends = states - set(STANDING) | {"admitted"}
    assert {state for state in states if not MOVES[state]} == ends
    assert not may_move("requested", "delivered")


def test_x3_a_deadline_is_the_end_of_a_day_in_the_shops_zone():
    late = datetime(2026, 11, 21, 15, 59, tzinfo=UTC)
    assert refund_deadline(late, days=7, zone=SHANGHAI) == datetime(
        2026, 11, 28, 16, tzinfo=UTC
    )
    assert refund_deadline(late, days=0, zone=SHANGHAI) is None
