"""What units that replace others carry over (R13)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.rules.exchanges import Taken, is_even, taken_over


@pytest.mark.parametrize(
    ("_case", "then", "old_now", "new_now", "even"),
    [
        ("same price today", [9_000], 12_000, 12_000, True),
        ("price of that day", [9_000], 12_000, 9_000, True),
        ("list price of that day", [9_000, 10_000], 12_000, 10_000, True),
        ("dearer", [10_000], 10_000, 10_001, False),
        ("cheaper", [10_000], 10_000, 9_999, False),
    ],
)
def test_r13_when_an_exchange_is_even(_case, then, old_now, new_now, even):
    assert (
        is_even(then_minor=then, old_now_minor=old_now, new_now_minor=new_now) is even
    )


def test_r13_a_unit_takes_over_its_net_and_its_shares():
    over = taken_over(
        units=1,
        unit_price_minor=5_000,
        amount_minor=4_500,
        points=20,
        reductions=[Taken(1_200), Taken(300, 60)],
    )
    assert over.net_minor == 4_500
    assert over.shares == (Taken(400), Taken(100, 20))
    assert over.points == 20


@given(
    st.integers(1, 9),
    st.integers(1, 10**6),
    st.lists(st.tuples(st.integers(1, 10**5), st.integers(0, 10**4)), max_size=4),
    st.data(),
)
def test_x8_shares_add_up_to_the_discount(units, price, reductions, data):
    discount = data.draw(st.integers(0, units * price)) if reductions else 0
    points = data.draw(st.integers(0, sum(points for _, points in reductions)))
    over = taken_over(
        units=units,
        unit_price_minor=price,
        amount_minor=units * price - discount,
        points=points,
        reductions=[Taken(*each) for each in reductions],
    )
    assert sum(part.amount_minor for part in over.shares) == discount
    assert over.points in {0, points}
    assert all(part.amount_minor or not part.points for part in over.shares)
