"""Memberships that are bought and used: how long they last, who may use them where.

Days count whole: a membership begins with its first day and ends with its last one.
Plain Python.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from crm.shared.dates import add_months

#: From, to; both inside.
Period = tuple[datetime, datetime]


def last_day(starts_on: date, *, months: int = 0, days: int = 0) -> date:
    """Return the last day of a membership (inclusive).

    A month from the 28th ends on the 27th, also where that is the end of February.

    >>> last_day(date(2023, 2, 28), months=1), last_day(date(2023, 2, 1), months=1)
    (datetime.date(2023, 3, 27), datetime.date(2023, 2, 28))
    """
    return add_months(starts_on, months) + timedelta(days=days) - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class HeldMembership:
    """A membership somebody has. ``used`` counts what it was used for so far."""

    kind: str = ""
    owner: str = ""
    valid: Period | None = None
    max_usages: int | None = None
    used: int = 0
    allow_parallel: bool = True
    is_cancelled: bool = False
    is_test: bool = False
    #: Occasions it is used for, and when those are.
    used_for: tuple[str, ...] = ()
    used_between: tuple[Period, ...] = ()


@dataclass(frozen=True, slots=True)
class MembershipUse:
    """What a membership is to be used for, which it must be valid for at the start.

    ``kinds`` empty: of any kind.
    """

    at: Period
    member: str = ""
    is_required: bool = True
    kinds: tuple[str, ...] = ()
    occasion: str = ""
    units: int = 1
    is_test: bool = False


def objection(held: HeldMembership | None, use: MembershipUse) -> str:
    """Return why a membership does not serve; empty where it does.

    The first that speaks against it: ``missing``, ``not_required``, ``cancelled``,
    ``test_mode_mismatch``, ``customer_not_eligible``, ``wrong_type``,
    ``outside_window``, ``usage_limit_reached``, ``parallel_use``.
    """
    if held is None:
        return "missing" if use.is_required else ""
    against = (
        (not use.is_required, "not_required"),
        (held.is_cancelled, "cancelled"),
        (held.is_test != use.is_test, "test_mode_mismatch"),
        (bool(held.owner) and held.owner != use.member, "customer_not_eligible"),
        (bool(use.kinds) and held.kind not in use.kinds, "wrong_type"),
        (not _is_valid(held, use.at[0]), "outside_window"),
        (
            held.max_usages is not None and held.used + use.units > held.max_usages,
            "usage_limit_reached",
        ),
        (not held.allow_parallel and _is_parallel(held, use), "parallel_use"),
    )
    return next((reason for is_so, reason in against if is_so), "")


def _is_valid(held: HeldMembership, at: datetime) -> bool:
    return held.valid is None or held.valid[0] <= at <= held.valid[1]


def _is_parallel(held: HeldMembership, use: MembershipUse) -> bool:
    return (
        use.units > 1
        or (bool(use.occasion) and use.occasion in held.used_for)
        or _meets(use.at, held.used_between)
    )


def _meets(period: Period, others: Sequence[Period]) -> bool:
    return any(period[0] <= last and first <= period[1] for first, last in others)
