"""Prices in time."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from orders.rules.prices import (
    PriceEntry,
    Step,
    lowest_steps,
)

NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)


def entry(pk, kind, amount, audience="", *, start=-1, end=None):
    """Return a price from ``start`` to ``end``, in hours around noon."""
    ends_at = None if end is None else NOON + end * HOUR
    return PriceEntry(pk, kind, audience, amount, NOON + start * HOUR, ends_at)


def test_steps_tell_what_everybody_paid():
    entries = [
        entry(1, "list", 100, start=-10, end=-4),
        entry(2, "list", 90, start=-4),
        entry(3, "sale", 50, start=-8, end=-6),
        entry(4, "member", 1, "member", start=-10),
        entry(5, "sale", 10, start=-3, end=-3),
    ]

    def at(hours):
        return NOON + hours * HOUR

    assert lowest_steps(entries, NOON) == [
        Step(at(-10), at(-8), 100),
        Step(at(-8), at(-6), 50),
        Step(at(-6), at(-4), 100),
        Step(at(-4), at(0), 90),
    ]


@given(
    st.lists(
        st.builds(
            entry,
            st.integers(1, 99),
            st.sampled_from(["list", "sale"]),
            st.integers(0, 100),
            start=st.integers(-9, -1),
            end=st.none() | st.integers(-9, 5),
        ),
        max_size=6,
    ),
    st.integers(-9, -1),
)
def test_steps_agree_with_the_price_of_every_moment(entries, hour):
    at = NOON + hour * HOUR
    steps = [s for s in lowest_steps(entries, NOON) if s.starts_at <= at < s.ends_at]
    held = [each.amount_minor for each in entries if each.holds(at)]
    assert [step.amount_minor for step in steps] == ([min(held)] if held else [])
