"""Paid plans: how long they last, what may happen to them, what unused days are worth.

Days are whole days of the shop. ``ends_on`` is the first day after the last one that
is paid for. Money is an ``int`` of minor units, and rounded down. Plain Python.
"""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

#: Nobody has a plan for longer than a century, however little it costs.
MOST_DAYS = 36_525


class State(StrEnum):
    """Where a subscription stands."""

    TRIAL = "trial"
    ACTIVE = "active"
    #: Its days are kept for later.
    PAUSED = "paused"
    #: Its days are over and the next ones not paid yet.
    GRACE = "grace"
    ENDED = "ended"


#: States in which a member has what the plan gives.
HOLDING = frozenset({State.TRIAL, State.ACTIVE, State.GRACE})
OPEN = HOLDING | {State.PAUSED}


class Deed(StrEnum):
    """What happens to a subscription."""

    PAY = "pay"
    PAUSE = "pause"
    RESUME = "resume"
    #: The days are over and nothing is paid.
    LAPSE = "lapse"
    END = "end"


#: Whatever is not here is refused.
MOVES: dict[tuple[State, Deed], State] = {
    (State.TRIAL, Deed.PAY): State.ACTIVE,
    (State.TRIAL, Deed.LAPSE): State.GRACE,
    (State.TRIAL, Deed.END): State.ENDED,
    (State.ACTIVE, Deed.PAY): State.ACTIVE,
    (State.ACTIVE, Deed.PAUSE): State.PAUSED,
    (State.ACTIVE, Deed.LAPSE): State.GRACE,
    (State.ACTIVE, Deed.END): State.ENDED,
    (State.PAUSED, Deed.PAY): State.PAUSED,
    (State.PAUSED, Deed.RESUME): State.ACTIVE,
    (State.PAUSED, Deed.END): State.ENDED,
    (State.GRACE, Deed.PAY): State.ACTIVE,
    (State.GRACE, Deed.END): State.ENDED,
}


class MoveNotAllowed(ValueError):
    """A subscription in this state cannot do that."""


def moved(state: str, deed: Deed) -> State:
    """Return the state after a deed.

    Raises:
        MoveNotAllowed: it is not in ``MOVES``.
    """
    try:
        return MOVES[State(state), deed]
    except KeyError as error:
        raise MoveNotAllowed(f"{state} cannot {deed}") from error


def period_end(starts_on: date, *, months: int, anchor_day: int) -> date:
    """Return the first day after a period (X4).

    Args:
        anchor_day: day of the month on which the periods began: the 31st comes back
            after a shorter month.

    >>> period_end(date(2026, 1, 31), months=1, anchor_day=31)
    datetime.date(2026, 2, 28)
    >>> period_end(date(2026, 2, 28), months=1, anchor_day=31)
    datetime.date(2026, 3, 31)
    """
    years, month = divmod(starts_on.year * 12 + starts_on.month - 1 + months, 12)
    last = calendar.monthrange(years, month + 1)[1]
    return date(years, month + 1, min(anchor_day, last))


@dataclass(frozen=True, slots=True)
class Term:
    """What is bought: so many months at ``price_minor`` from a day on."""

    starts_on: date
    months: int
    price_minor: int

    @property
    def whole_end(self) -> date:
        """Return the first day after the whole term."""
        day = self.starts_on.day
        return period_end(self.starts_on, months=self.months, anchor_day=day)


def bought_until(term: Term, *, value_minor: int) -> date:
    """Return the first day that ``value_minor`` does not pay for.

    The price buys the whole term; more than that, or less, buys days in proportion,
    whole ones. A term that costs nothing is bought with nothing, and no longer.

    >>> june = Term(date(2026, 6, 1), months=1, price_minor=3_000)
    >>> bought_until(june, value_minor=3_250), bought_until(june, value_minor=1_000)
    (datetime.date(2026, 7, 3), datetime.date(2026, 6, 11))
    """
    if not term.price_minor:
        return term.whole_end
    whole = (term.whole_end - term.starts_on).days
    days = value_minor * whole // term.price_minor
    return term.starts_on + timedelta(days=min(days, MOST_DAYS))


@dataclass(frozen=True, slots=True)
class PaidDays:
    """Days that were bought together, without those that were refunded.

    ``value_minor`` paid for ``bought_days``: money, points at their worth, and what was
    credited for an earlier plan.
    """

    id: int
    days: int
    bought_days: int
    value_minor: int


def unused_days(paid: Sequence[PaidDays], *, days_left: int) -> dict[int, int]:
    """Return how many days of each purchase are left, by its id.

    Args:
        paid: every purchase of a subscription, the first one first.
        days_left: of all of them; what was bought first was used first.

    >>> june, july = PaidDays(1, 30, 30, 3000), PaidDays(2, 31, 31, 3100)
    >>> unused_days([june, july], days_left=40)
    {1: 9, 2: 31}
    """
    unused: dict[int, int] = {}
    for each in reversed(paid):
        unused[each.id] = max(0, min(days_left, each.days))
        days_left -= unused[each.id]
    return dict(reversed(unused.items()))


def worth_minor(each: PaidDays, *, days: int) -> int:
    """Return what ``days`` of a purchase are worth, rounded down."""
    if not each.bought_days:
        return 0
    return each.value_minor * days // each.bought_days


def credit_minor(paid: Sequence[PaidDays], *, days_left: int) -> int:
    """Return what the unused days of a subscription are worth, rounded down."""
    left = unused_days(paid, days_left=days_left)
    return sum(worth_minor(each, days=left[each.id]) for each in paid)


@dataclass(frozen=True, slots=True)
class Change:
    """From one plan to another today: what is credited, due, and how long it lasts."""

    credit_minor: int
    due_minor: int
    starts_on: date
    ends_on: date

    @property
    def days(self) -> int:
        """Return how many days the new plan lasts."""
        return (self.ends_on - self.starts_on).days


def change_of(term: Term, *, credit_minor: int) -> Change:
    """Return what changing costs: the price of the new term, less the credit.

    A credit above the price buys more days; no money goes back. Today belongs to the
    new plan.

    >>> change_of(Term(date(2026, 6, 16), 1, 6_000), credit_minor=1_500).due_minor
    4500
    """
    due = max(0, term.price_minor - credit_minor)
    ends_on = bought_until(term, value_minor=credit_minor + due)
    return Change(credit_minor, due, term.starts_on, ends_on)


def fee_back_minor(
    *, paid_minor: int, unused_value_minor: int, benefits_minor: int
) -> int:
    """Return what goes back of a plan fee (R21).

    Args:
        paid_minor: what this fee was worth, in money and points; never more goes back.
        unused_value_minor: what its unused days are worth.
        benefits_minor: what the member saved by the plan so far.

    >>> fee_back_minor(paid_minor=3000, unused_value_minor=2000, benefits_minor=500)
    1500
    """
    return max(0, min(paid_minor, unused_value_minor) - benefits_minor)


def used_of_fee(
    used_minor: int, *, paid_minor: int, points: int, points_minor: int
) -> tuple[int, int]:
    """Return the money and the points of a fee that are used, in proportion (R21).

    Args:
        used_minor: what of ``paid_minor + points_minor`` does not go back.
        paid_minor: the money of the fee.
        points: the points of the fee, worth ``points_minor`` when they were spent.

    Both are rounded down, for the member.

    >>> used_of_fee(1_000, paid_minor=3_000, points=0, points_minor=0)
    (1000, 0)
    >>> used_of_fee(1_000, paid_minor=2_000, points=1_000, points_minor=1_000)
    (666, 333)
    """
    worth = paid_minor + points_minor
    if not worth:
        return 0, 0
    return paid_minor * used_minor // worth, points * used_minor // worth


@dataclass(frozen=True, slots=True)
class Dunning:
    """How often an unpaid renewal is tried, how far apart, and for how long."""

    attempts: int
    days_between: int
    grace_days: int


class Step(StrEnum):
    """What a day asks for."""

    WAIT = "wait"
    ATTEMPT = "attempt"
    END = "end"


def step_due(
    dunning: Dunning, *, ends_on: date, tried: int, is_cancelled: bool, today: date
) -> Step:
    """Return what is to be done today with days that end, or ended, on ``ends_on``.

    Args:
        tried: attempts made since.
        is_cancelled: the member wants no more days.
    """
    if today < ends_on:
        return Step.WAIT
    if is_cancelled or today >= ends_on + timedelta(days=dunning.grace_days):
        return Step.END
    next_try = ends_on + timedelta(days=tried * dunning.days_between)
    is_due = tried < dunning.attempts and today >= next_try
    return Step.ATTEMPT if is_due else Step.WAIT


def next_look(dunning: Dunning, *, ends_on: date, tried: int) -> date:
    """Return the day on which ``step_due`` has something to do next."""
    last = ends_on + timedelta(days=dunning.grace_days)
    if tried >= dunning.attempts:
        return last
    return min(last, ends_on + timedelta(days=tried * dunning.days_between))


def days_left(*, ends_on: date, after: date) -> int:
    """Return the days that follow ``after``; that day itself is used."""
    return max(0, (ends_on - after).days - 1)


def resumed_end(*, paused_on: date, kept_days: int, today: date) -> date:
    """Return when kept days end that begin again today.

    The day of the pause was used: resumed on that day, they begin with the next one.
    """
    begins = max(today, paused_on + timedelta(days=1))
    return begins + timedelta(days=kept_days)


def better_multiplier_bp(*multipliers: int) -> int:
    """Return the best of the multipliers of tier and plan, never their sum (T18)."""
    return max(multipliers)
