"""The table of moves knows every state and nothing else."""

import pytest

from orders.models import Order
from orders.rules.lifecycle import MOVES, may_move, states_before


def test_the_table_is_about_the_states_there_are():
    states = set(Order.State.values)
    assert set(MOVES) == states
    assert {to for nexts in MOVES.values() for to in nexts} <= states


@pytest.mark.parametrize(
    ("from_state", "to_state", "allowed"),
    [
        ("pending", "paid", True),
        ("pending", "cancelled", True),
        ("pending", "shipped", False),
        ("pending", "refunded", False),
        ("paid", "cancelled", False),
        ("paid", "pending", False),
        ("paid", "refunded", True),
        ("cancelled", "paid", False),
        ("refunded", "paid", False),
        ("completed", "refunded", True),
    ],
)
def test_moves(from_state, to_state, allowed):
    assert may_move(from_state, to_state) is allowed


def test_only_what_waits_for_payment_can_be_cancelled():
    assert states_before("cancelled") == ["pending"]
