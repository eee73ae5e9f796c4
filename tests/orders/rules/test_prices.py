"""Which price wins, as tables."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.rules.prices import (
    PriceEntry,
    Step,
    UnitPrice,
    best_price,
    list_price,
    lowest_steps,
)

NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)


def entry(pk, kind, amount, audience="", *, start=-1, end=None):
    """Return a price from ``start`` to ``end``, in hours around noon."""
    ends_at = None if end is None else NOON + end * HOUR
    return PriceEntry(pk, kind, audience, amount, NOON + start * HOUR, ends_at)


LIST = entry(1, "list", 10_000)


@pytest.mark.parametrize(
    ("_case", "entries", "audiences", "best"),
    [
        ("the list price alone", [LIST], [], (10_000, "list", 1)),
        ("a sale", [LIST, entry(2, "sale", 8_000)], [], (8_000, "sale", 2)),
        ("a dearer sale", [LIST, entry(2, "sale", 12_000)], [], (10_000, "list", 1)),
        (
            "a member price for a visitor",
            [LIST, entry(2, "member", 7_000, "member")],
            [],
            (10_000, "list", 1),
        ),
        (
            "a member price for a member",
            [LIST, entry(2, "member", 7_000, "member")],
            ["member"],
            (7_000, "member", 2),
        ),
        (
            "a tier one does not hold",
            [LIST, entry(2, "member", 6_000, "tier:gold")],
            ["member", "tier:silver"],
            (10_000, "list", 1),
        ),
        (
            "the lowest of several",
            [
                LIST,
                entry(2, "member", 6_000, "tier:gold"),
                entry(3, "sale", 5_000),
                entry(4, "member", 7_000, "member"),
            ],
            ["member", "tier:gold"],
            (5_000, "sale", 3),
        ),
        (
            "a sale for members only",
            [LIST, entry(2, "sale", 5_000, "member")],
            ["member"],
            (5_000, "sale", 2),
        ),
        (
            "equal: list before sale before member",
            [entry(3, "member", 9_000, "member"), entry(2, "sale", 9_000), LIST],
            ["member"],
            (9_000, "sale", 2),
        ),
        (
            "equal to the list price",
            [entry(2, "sale", 10_000), LIST],
            [],
            (10_000, "list", 1),
        ),
        ("not begun", [LIST, entry(2, "sale", 1, start=1)], [], (10_000, "list", 1)),
        ("begins now", [LIST, entry(2, "sale", 1, start=0)], [], (1, "sale", 2)),
        ("ends now", [LIST, entry(2, "sale", 1, end=0)], [], (10_000, "list", 1)),
        (
            "called off",
            [LIST, entry(2, "sale", 1, start=0, end=0)],
            [],
            (10_000, "list", 1),
        ),
        ("free", [LIST, entry(2, "sale", 0)], [], (0, "sale", 2)),
    ],
)
def test_the_lowest_price_in_force_wins(_case, entries, audiences, best):
    assert best_price(entries, audiences, NOON) == UnitPrice(*best)


def test_without_a_price_there_is_none():
    with pytest.raises(ValueError, match="No price"):
        best_price([entry(1, "list", 1, start=1)], [], NOON)


def test_the_list_price_is_that_in_force():
    entries = [entry(1, "list", 100, end=0), entry(2, "list", 90, start=0)]
    assert list_price(entries, NOON) == 90
    assert list_price(entries, NOON - timedelta(microseconds=1)) == 100
    assert list_price(entries, NOON - 2 * HOUR) is None


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
    try:
        paid = best_price(entries, [], at).amount_minor
    except ValueError:
        assert not steps
    else:
        assert [step.amount_minor for step in steps] == [paid]
