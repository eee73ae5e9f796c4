"""What rewards cost whom, and which moves a redemption may make. Plain Python."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from crm.shared.conditions import EVERYBODY, Condition, Facts
from crm.shared.dates import bounds_of_day

#: State -> states it may move to; everything else is refused. What needs no sending
#: is given at once. Cancelled is what was never sent, given back what was. Unpaid is
#: what costs money, too, until its order is paid; news of an order may come late.
#: Admitted is whoever was let in with a ticket: that cannot be undone.
MOVES: dict[str, frozenset[str]] = {
    "unpaid": frozenset({"fulfilled", "cancelled", "refunded"}),
    "requested": frozenset({"shipped", "cancelled"}),
    "fulfilled": frozenset({"admitted", "refunded"}),
    "admitted": frozenset(),
    "shipped": frozenset({"delivered", "refunded"}),
    "delivered": frozenset({"refunded"}),
    "cancelled": frozenset(),
    "refunded": frozenset(),
}
#: Who agreed on the price of an order's line: a reward that costs money, too.
AGREED = "reward"
#: Neither cancelled nor given back: what counts against limits.
STANDING = ("unpaid", "requested", "fulfilled", "admitted", "shipped", "delivered")


@dataclass(frozen=True, slots=True)
class PriceRow:
    """A row of a price table: how many points, for which mark, and only if.

    ``money_minor`` is paid besides the points, in minor units.
    """

    points: int
    audience: str = ""
    condition: Condition = EVERYBODY
    money_minor: int = 0


def is_meant(
    audience: str, condition: Condition, *, marks: Collection[str], facts: Facts
) -> bool:
    """Whether what is for an audience, and only if, is meant for a member.

    Args:
        audience: a mark, such as ``tier:gold``; empty is everybody.
        marks: the marks of the member.
        facts: what the condition asks of the member.

    >>> is_meant("tier:gold", EVERYBODY, marks={"tier:gold"}, facts={})
    True
    """
    return (not audience or audience in marks) and condition.holds(facts)


def price_row(
    rows: Sequence[PriceRow], *, marks: Collection[str], facts: Facts
) -> int | None:
    """Return the place of the first row that is meant for a member, or None.

    >>> rows = [PriceRow(800, "tier:gold"), PriceRow(900)]
    >>> price_row(rows, marks={"tier:gold"}, facts={}), price_row(rows, marks=(),
    ...           facts={})
    (0, 1)
    """
    for place, row in enumerate(rows):
        if is_meant(row.audience, row.condition, marks=marks, facts=facts):
            return place
    return None


def price_of(
    usual: PriceRow, rows: Sequence[PriceRow], *, marks: Collection[str], facts: Facts
) -> PriceRow:
    """Return what a reward costs a member: the first row that is meant, or the usual.

    Points and money come from one row, never from two.

    >>> usual, gold = PriceRow(300, money_minor=1990), PriceRow(200, "tier:gold")
    >>> paid = price_of(usual, [gold], marks={"tier:gold"}, facts={})
    >>> paid.points, paid.money_minor
    (200, 0)
    """
    place = price_row(rows, marks=marks, facts=facts)
    return usual if place is None else rows[place]


def may_move(from_state: str, to_state: str) -> bool:
    """Whether a redemption may make this move."""
    return to_state in MOVES[from_state]


def end_of_days(now: datetime, *, days: int, zone: ZoneInfo) -> datetime:
    """Return the end of the day so many days from now, in the shop's zone (X3).

    >>> from datetime import UTC
    >>> end_of_days(datetime(2026, 11, 21, 4, tzinfo=UTC), days=1,
    ...             zone=ZoneInfo("Asia/Shanghai"))
    datetime.datetime(2026, 11, 22, 16, 0, tzinfo=datetime.timezone.utc)
    """
    day = now.astimezone(zone).date() + timedelta(days=days)
    return bounds_of_day(day, zone)[1]


def refund_deadline(
    now: datetime, *, days: int, zone: ZoneInfo, begins_at: datetime | None = None
) -> datetime | None:
    """Return until when what is redeemed now may be given back; None is never.

    A seat is given back before its occasion begins, or not at all.
    """
    if not days:
        return None
    deadline = end_of_days(now, days=days, zone=zone)
    return deadline if begins_at is None else min(deadline, begins_at)


@dataclass(frozen=True, slots=True)
class Door:
    """When an occasion begins, and while when its tickets let in: until exclusive."""

    begins_at: datetime
    opens_at: datetime
    closes_at: datetime


def door(begins_at: datetime, over_at: datetime | None, *, zone: ZoneInfo) -> Door:
    """Return when a door is open: on the day it begins until it is over (X3).

    Days are those of the shop's zone. Where nobody said when it is over, the day is.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 11, 21, 4, tzinfo=UTC)
    >>> door(noon, None, zone=ZoneInfo("Asia/Tokyo")).opens_at
    datetime.datetime(2026, 11, 20, 15, 0, tzinfo=datetime.timezone.utc)
    >>> door(noon, None, zone=ZoneInfo("Asia/Tokyo")).closes_at
    datetime.datetime(2026, 11, 21, 15, 0, tzinfo=datetime.timezone.utc)
    """
    opens, day_is_over = bounds_of_day(begins_at.astimezone(zone).date(), zone)
    return Door(begins_at, opens, over_at or day_is_over)
