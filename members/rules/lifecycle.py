"""Where a membership may go, and who must say why. Plain Python."""

ACTIVE, FROZEN, CLOSED, ERASED = "active", "frozen", "closed", "erased"
MERGED = "merged"

#: From -> allowed next states. What is erased stays erased; only merging and its
#: undoing lead into and out of ``merged``.
_MOVES: dict[str, frozenset[str]] = {
    ACTIVE: frozenset({FROZEN, CLOSED}),
    FROZEN: frozenset({ACTIVE, CLOSED}),
    CLOSED: frozenset({ACTIVE, ERASED}),
    ERASED: frozenset(),
    MERGED: frozenset(),
}


def may_move(state: str, to: str) -> bool:
    """Return whether a membership in ``state`` may become ``to``."""
    return to in _MOVES[state]


def next_states(state: str) -> frozenset[str]:
    """Return the states a membership in ``state`` may move to."""
    return _MOVES[state]
