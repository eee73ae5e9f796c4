"""Which moves a promotion may make, who makes them, and where it stands. Plain Python.

The names are the values of ``campaigns.models.Promotion.State``. Scheduled and over are
no states: they follow from the clock, and are stored once, as its times.
"""

from datetime import datetime

from campaigns.rules.recipes import Recipe

#: Who moves promotions: one of the staff alone, or two of them by an approval.
ONE, TWO = "one", "two"
_EITHER = frozenset({ONE, TWO})
_ALONE = frozenset({ONE})

#: State -> state it may move to -> who may do that; everything else is refused. What
#: gives much away goes live by two people; taking it off is never too much for one.
MOVES: dict[str, dict[str, frozenset[str]]] = {
    "draft": {"waiting": _ALONE, "live": _ALONE},
    "waiting": {"draft": _ALONE, "live": frozenset({TWO})},
    "live": {"paused": _ALONE, "ended": _ALONE},
    "paused": {"live": _ALONE, "ended": _ALONE},
    "ended": {},
}

#: What a marketer sees; two of them are states whose time has not come or is over.
PHASES = ("draft", "waiting", "scheduled", "live", "paused", "ended")


def may_move(from_state: str, to_state: str, who: str = "") -> bool:
    """Whether a promotion in ``from_state`` may become ``to_state``.

    Args:
        who: ONE or TWO; empty asks for either.

    >>> may_move("draft", "live"), may_move("waiting", "live", ONE)
    (True, False)
    """
    allowed = MOVES[from_state].get(to_state, frozenset())
    return who in allowed if who else bool(allowed & _EITHER)


def phase(
    state: str, *, starts_at: datetime, ends_at: datetime | None, at: datetime
) -> str:
    """Return where a promotion stands at a moment, one of ``PHASES``."""
    if state not in {"live", "paused"}:
        return state
    if ends_at is not None and ends_at <= at:
        return "ended"
    if state == "live" and starts_at > at:
        return "scheduled"
    return state


def needs_two(
    recipe: Recipe,
    *,
    budget_minor: int | None,
    most_budget_minor: int,
    most_share_bp: int,
) -> bool:
    """Whether a promotion gives so much away that a second person must agree.

    Args:
        budget_minor: what it may cost in all; None is not limited.
        most_budget_minor: the largest budget one person answers for.
        most_share_bp: the largest share of prices one person gives away. A share that
            nobody can tell needs a budget: without either there is no end to it.
    """
    share_bp = recipe.share_bp
    if share_bp is not None and share_bp > most_share_bp:
        return True
    if budget_minor is None:
        return share_bp is None
    return budget_minor > most_budget_minor
