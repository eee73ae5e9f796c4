"""The line of a balance: every step follows from the moves, and it ends at the balance."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from loyalty.rules.balances import balance_steps

START = datetime(2026, 1, 1, tzinfo=UTC)
COUNTS = st.lists(st.integers(-500, 500), max_size=8)


def on_days(counts, first):
    return [
        (START + timedelta(days=first + n), count) for n, count in enumerate(counts)
    ]


@given(COUNTS, st.lists(st.integers(1, 500), max_size=8), st.integers(-900, 9_000))
def test_the_line_has_no_gap_and_passes_through_the_balance(moved, ending, balance):
    at = START + timedelta(days=100)
    steps = balance_steps(
        on_days(moved, 0), on_days(ending, 101), now_points=balance, at=at
    )

    assert len(steps) == len(moved) + len(ending) + bool(ending)
    for step, following in zip(steps, steps[1:], strict=False):
        assert step.ends_at == following.starts_at
        assert step.is_ahead <= following.is_ahead
    assert all(step.starts_at < step.ends_at for step in steps)
    if moved:
        assert steps[len(moved) - 1].points == balance
    if ending:
        assert (steps[len(moved)].starts_at, steps[len(moved)].points) == (at, balance)
        assert steps[-1].points == balance - sum(ending)
        assert steps[-1].is_ahead


def test_nothing_ever_moved():
    assert balance_steps([], [], now_points=0, at=START) == []
