"""Which moves an order may make. Plain Python.

The names are the values of ``orders.models.Order.State``.
"""

#: State -> states it may move to; everything else is refused. What needs no delivery
#: is completed when paid; "partly refunded" is no state of its own: an order that got
#: some money back is still on its way.
MOVES: dict[str, frozenset[str]] = {
    "pending": frozenset({"paid", "cancelled"}),
    "paid": frozenset({"partly_shipped", "shipped", "completed", "refunded"}),
    "partly_shipped": frozenset({"shipped", "refunded"}),
    "shipped": frozenset({"delivered", "completed", "refunded"}),
    "delivered": frozenset({"completed", "refunded"}),
    "completed": frozenset({"refunded"}),
    "cancelled": frozenset(),
    "refunded": frozenset(),
}

#: Paid, and not wholly given back: what counts as a purchase (R19).
STANDING = ("paid", "partly_shipped", "shipped", "delivered", "completed")
#: Paid at some time, whatever became of it.
SOLD = (*STANDING, "refunded")


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
