"""How long a membership lasts, and what speaks against its use."""

from datetime import UTC, date, datetime

import pytest

from loyalty.rules.memberships import (
    HeldMembership,
    MembershipUse,
    last_day,
    objection,
)


def at(day, hour=0):
    return datetime(2026, 4, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("first", "months", "days", "last"),
    [
        (date(2027, 2, 28), 1, 0, date(2027, 3, 27)),
        (date(2027, 1, 31), 1, 0, date(2027, 2, 27)),
        (date(2028, 1, 1), 2, 0, date(2028, 2, 29)),
        (date(2026, 4, 10), 0, 1, date(2026, 4, 10)),
        (date(2026, 4, 10), 12, 5, date(2027, 4, 14)),
    ],
)
def test_the_last_day_is_inside(first, months, days, last):
    assert last_day(first, months=months, days=days) == last


def test_the_first_objection_is_told():
    held = HeldMembership(kind="day", owner="m", is_cancelled=True)
    use = MembershipUse((at(1), at(1, 5)), member="n", kinds=("year",))
    assert objection(held, use) == "cancelled"


def test_where_none_is_required_none_may_be_missing():
    use = MembershipUse((at(1), at(1)), is_required=False)
    assert objection(None, use) == ""
    assert objection(HeldMembership(), use) == "not_required"


def test_it_must_be_valid_when_the_event_begins():
    held = HeldMembership(valid=(at(1), at(10)))
    assert objection(held, MembershipUse((at(10), at(12)))) == ""
    assert objection(held, MembershipUse((at(10, 1), at(12)))) == "outside_window"


def test_two_at_once_are_parallel():
    held = HeldMembership(allow_parallel=False)
    assert objection(held, MembershipUse((at(1), at(2)), units=2)) == "parallel_use"
