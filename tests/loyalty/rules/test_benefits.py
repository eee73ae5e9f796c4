"""Unions of grants, and periods of benefits."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.rules.benefits import Right, left_of, span_of, union

PERIODS = ("month", "quarter", "year", "cycle")
days = st.dates(date(2015, 1, 1), date(2035, 12, 31))
rights = st.lists(
    st.builds(Right, st.none() | st.integers(0, 20), st.integers(0, 500)), min_size=1
)


@pytest.mark.parametrize(
    ("_case", "several", "quota", "number"),
    [
        ("one", [Right(4, 2)], 4, 2),
        ("the better one of each", [Right(4, 9), Right(6, 1)], 6, 9),
        ("unlimited beats any", [Right(4), Right(None)], None, 0),
        ("equal ones are no sum", [Right(4, 5), Right(4, 5)], 4, 5),
    ],
)
def test_t18_the_better_number_and_never_the_sum(_case, several, quota, number):
    held = union(several)
    assert (held.quota, held.number) == (quota, number)


def test_t18_of_nothing_comes_nothing():
    assert union([]) is None


@given(rights, rights)
def test_t18_more_grants_never_take_anything_away(some, more):
    alone, together = union(some), union(some + more)
    assert together.number >= alone.number
    assert left_of(together, used=0) is None or (
        left_of(together, used=0) >= left_of(alone, used=0)
    )
    assert union(more + some).quota == together.quota


@given(st.sampled_from(PERIODS), days, days)
def test_x4_every_day_is_in_one_period_and_periods_touch(period, day, joined):
    span = span_of(period, day, joined=joined)
    assert span.starts_on <= day <= span.ends_on
    assert span_of(period, span.starts_on, joined=joined) == span
    assert span_of(period, span.ends_on, joined=joined) == span
    following = span_of(period, span.ends_on + timedelta(days=1), joined=joined)
    assert following.starts_on == span.ends_on + timedelta(days=1)


@pytest.mark.parametrize(
    ("day", "starts_on", "ends_on"),
    [
        (date(2026, 2, 27), date(2025, 2, 28), date(2026, 2, 27)),
        (date(2026, 2, 28), date(2026, 2, 28), date(2027, 2, 27)),
        (date(2028, 2, 28), date(2027, 2, 28), date(2028, 2, 28)),
        (date(2028, 2, 29), date(2028, 2, 29), date(2029, 2, 27)),
    ],
)
def test_x4_a_cycle_of_who_joined_on_29_february(day, starts_on, ends_on):
    span = span_of("cycle", day, joined=date(2024, 2, 29))
    assert (span.starts_on, span.ends_on) == (starts_on, ends_on)
