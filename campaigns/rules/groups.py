"""Group buying: steps, deadlines and the price a group reaches. Plain Python.

A deal with one price has one step; a ladder has several (G11). Everybody pays the
price of the first step when taking a seat, and gets back what the step reached in the
end costs less.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

#: ``(size, price_minor)``: so many members pay so much each.
Rung = tuple[int, int]

#: Which seats are for new members (G13); for any other word none is.
JOINERS, EVERYBODY = "joiners", "everybody"


class BadLadder(ValueError):
    """Steps that no shop can mean; the message says which and why."""


def check_ladder(rungs: Iterable[Rung]) -> tuple[Rung, ...]:
    """Return the steps by size, or say what is wrong with them.

    Raises:
        BadLadder: none at all, a group of one, a price of nothing, or a larger group
            that pays as much or more.

    >>> check_ladder([(10, 6000), (3, 8000)])
    ((3, 8000), (10, 6000))
    """
    steps = sorted(rungs)
    if not steps:
        raise BadLadder("Name at least one step.")
    for number, (size, price) in enumerate(steps, start=1):
        if size < 2 or price < 1:
            raise BadLadder(f"Step {number} needs two members who pay something.")
        if number > 1 and (size == steps[number - 2][0]):
            raise BadLadder(f"Two steps have {size} members.")
        if number > 1 and price >= steps[number - 2][1]:
            raise BadLadder(f"Step {number} must cost less than the one before.")
    return tuple(steps)


def is_for_new(which: str, *, is_leader: bool) -> bool:
    """Whether a seat is for a new member (G13).

    Args:
        which: JOINERS, EVERYBODY or nothing.

    >>> [is_for_new(which, is_leader=True) for which in ("", JOINERS, EVERYBODY)]
    [False, False, True]
    """
    return which == EVERYBODY or (which == JOINERS and not is_leader)


def first_price(rungs: Sequence[Rung]) -> int:
    """Return what is paid on taking a seat (G10)."""
    return rungs[0][1]


def price_reached(rungs: Sequence[Rung], paid: int) -> int | None:
    """Return what each of so many paid members pays; None when they are too few (G5).

    >>> ladder = ((3, 8000), (10, 6000))
    >>> [price_reached(ladder, paid) for paid in (2, 3, 9, 10)]
    [None, 8000, 8000, 6000]
    """
    reached = [price for size, price in rungs if paid >= size]
    return reached[-1] if reached else None


def deadline_of(
    opened_at: datetime, *, hours: int, ends_at: datetime | None, may_finish: bool
) -> datetime:
    """Return when a group must have come together (G3).

    Args:
        ends_at: end of the deal; None is open.
        may_finish: a group may go on after the end of its deal.
    """
    deadline = opened_at + timedelta(hours=hours)
    return deadline if may_finish or ends_at is None else min(deadline, ends_at)


def reward_left(
    promise: Mapping[str, Any], *, seats: int, kept: int
) -> tuple[int, int | None]:
    """Return the points and the coupon a leader gets for the seats that stay (G16).

    All of it for as many as the promise wants. For fewer nothing, or the points in
    proportion where they are shared; a coupon cannot be.

    Args:
        promise: ``GroupDeal.leader_reward``.
        seats: with how many the group succeeded: the shop may complete a smaller one.
        kept: how many were not given back.

    >>> promise = {"points": 300, "coupon": 7, "shares": True, "seats": 3}
    >>> [reward_left(promise, seats=5, kept=kept) for kept in (4, 2)]
    [(300, 7), (200, None)]
    """
    wanted = min(promise["seats"], seats)
    if kept >= wanted:
        return promise["points"], promise["coupon"]
    return promise["points"] * kept // wanted if promise["shares"] else 0, None
