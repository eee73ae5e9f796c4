"""Steps, deadlines and prices of groups."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules.groups import (
    BadLadder,
    check_ladder,
    deadline_of,
    price_reached,
)
from tests.cast import NOON


@pytest.mark.parametrize(
    "rungs",
    [
        [],
        [(1, 8000)],
        [(3, 0)],
        [(3, -1)],
        [(3, 8000), (3, 7000)],
        [(3, 8000), (5, 8000)],
        [(3, 8000), (5, 9000)],
    ],
)
def test_steps_no_shop_can_mean_are_refused(rungs):
    with pytest.raises(BadLadder):
        check_ladder(rungs)


@given(st.sets(st.integers(2, 50), min_size=1, max_size=5), st.integers(0, 60))
def test_g11_more_members_never_pay_more(sizes, paid):
    rungs = [(size, 10_000 - 100 * n) for n, size in enumerate(sorted(sizes))]
    assert check_ladder(reversed(rungs)) == tuple(rungs)
    price, next_price = price_reached(rungs, paid), price_reached(rungs, paid + 1)
    if price is None:
        assert paid < rungs[0][0]
    else:
        assert next_price <= price
        assert price == min(p for size, p in rungs if size <= paid)


@pytest.mark.parametrize(
    ("ends_after", "may_finish", "hours"),
    [(None, False, 24), (30, False, 24), (5, False, 5), (5, True, 24)],
)
def test_g3_a_group_ends_with_its_deal_unless_it_may_finish(
    ends_after, may_finish, hours
):
    ends_at = None if ends_after is None else NOON + timedelta(hours=ends_after)
    deadline = deadline_of(NOON, hours=24, ends_at=ends_at, may_finish=may_finish)
    assert deadline == NOON + timedelta(hours=hours)
