"""Which moves an order may make. Plain Python.

The names are the values of ``orders.models.Order.State``.
"""

#: State -> states it may move to; everything else is refused.
MOVES: dict[str, frozenset[str]] = {
    "pending": frozenset({"paid", "cancelled"}),
    "paid": frozenset({"shipped", "completed", "refunded"}),
    "shipped": frozenset({"completed", "refunded"}),
    "completed": frozenset({"refunded"}),
    "cancelled": frozenset(),
    "refunded": frozenset(),
}


def may_move(from_state: str, to_state: str) -> bool:
    """Whether an order in ``from_state`` may become ``to_state``.

    >>> may_move("pending", "paid"), may_move("cancelled", "paid")
    (True, False)
    """
    return to_state in MOVES[from_state]


def states_before(to_state: str) -> list[str]:
    """Return the states from which ``to_state`` can be reached in one move.

    >>> states_before("cancelled")
    ['pending']
    """
    return sorted(state for state, nexts in MOVES.items() if to_state in nexts)
