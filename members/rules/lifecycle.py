"""Where a membership may go, and what it may do there. Plain Python.

This is the one table everybody asks: checkout and points (``spend``, ``earn``),
messages (``receive``), the API and signing in (``sign_in``).
"""

from dataclasses import dataclass

PENDING, ACTIVE, FROZEN, DORMANT = "pending", "active", "frozen", "dormant"
CLOSED, MERGED, ERASED = "closed", "merged", "erased"
_LIVING = frozenset({PENDING, ACTIVE, FROZEN, DORMANT, CLOSED})


@dataclass(frozen=True, slots=True)
class Standing:
    """What a membership in one state may do, and where it may go from there."""

    #: Orders paid in this state bring points.
    earn: bool
    #: May order, and use points and coupons.
    spend: bool
    #: May be written to, consent permitting.
    receive: bool
    #: May sign in and read what is theirs.
    sign_in: bool
    to: frozenset[str]


#: State -> standing. What is erased stays erased; a merge can be undone.
TABLE: dict[str, Standing] = {
    PENDING: Standing(
        earn=True,
        spend=False,
        receive=False,
        sign_in=True,
        to=frozenset({ACTIVE, CLOSED, MERGED, ERASED}),
    ),
    ACTIVE: Standing(
        earn=True,
        spend=True,
        receive=True,
        sign_in=True,
        to=frozenset({FROZEN, DORMANT, CLOSED, MERGED, ERASED}),
    ),
    FROZEN: Standing(
        earn=True,
        spend=False,
        receive=False,
        sign_in=True,
        to=frozenset({ACTIVE, CLOSED, MERGED, ERASED}),
    ),
    DORMANT: Standing(
        earn=True,
        spend=True,
        receive=True,
        sign_in=True,
        to=frozenset({ACTIVE, FROZEN, CLOSED, MERGED, ERASED}),
    ),
    CLOSED: Standing(
        earn=False,
        spend=False,
        receive=False,
        sign_in=False,
        to=frozenset({ACTIVE, MERGED, ERASED}),
    ),
    MERGED: Standing(
        earn=False,
        spend=False,
        receive=False,
        sign_in=False,
        to=_LIVING | {ERASED},
    ),
    ERASED: Standing(
        earn=False, spend=False, receive=False, sign_in=False, to=frozenset()
    ),
}
#: Reached and left only by the services that also move or blank what is the member's.
BY_SERVICES_ONLY = frozenset({MERGED, ERASED})
#: Nobody comes in to these; frozen members may, to read.
ENDED = frozenset(state for state, standing in TABLE.items() if not standing.sign_in)
#: Reached by the passing of time alone, left by coming back.
BY_TIME_ONLY = frozenset({DORMANT})


def may_move(state: str, to: str) -> bool:
    """Return whether a membership in ``state`` may become ``to``."""
    return to in TABLE[state].to


def next_states(state: str) -> frozenset[str]:
    """Return the states a membership in ``state`` may move to."""
    return TABLE[state].to


def staff_moves(state: str) -> frozenset[str]:
    """Return the states staff may choose for a membership in ``state``."""
    if state in BY_SERVICES_ONLY:
        return frozenset()
    return TABLE[state].to - BY_SERVICES_ONLY - BY_TIME_ONLY


def states_that(may: str) -> list[str]:
    """Return the states with a right: ``earn``, ``spend``, ``receive``, ``sign_in``.

    >>> states_that("spend")
    ['active', 'dormant']
    """
    return [state for state, standing in TABLE.items() if getattr(standing, may)]
