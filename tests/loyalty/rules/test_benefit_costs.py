"""What other tiers would have cost, by a table and by its laws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.rules.benefit_costs import (
    BenefitCost,
    BoughtOtherwise,
    EarnedOtherwise,
    benefit_cost,
)


@pytest.mark.parametrize(
    ("_case", "earned", "bought", "expected"),
    [
        ("nothing", [], [], BenefitCost()),
        ("up", [(1_000, 10_000, 15_000)], [], BenefitCost(500, 250, 0)),
        ("down", [(1_000, 15_000, 10_000)], [], BenefitCost(-500, -250, 0)),
        ("it stays", [(1_000, 15_000, 15_000)], [], BenefitCost()),
        ("less than a point", [(9, 10_000, 11_000)], [], BenefitCost()),
        ("parts add up first", [(9, 10_000, 11_000)] * 2, [], BenefitCost(1, 0, 0)),
        ("down is no more", [(19, 11_000, 10_000)], [], BenefitCost(-1, 0, 0)),
        ("dearer", [], [(3, 800, 900)], BenefitCost(0, 0, -300)),
        ("cheaper", [], [(3, 900, 800)], BenefitCost(0, 0, 300)),
        ("both", [(100, 1, 10_001)], [(1, 9, 4)], BenefitCost(100, 50, 5)),
    ],
)
def test_costs_are_a_year_with_other_multipliers_and_prices(
    _case, earned, bought, expected
):
    found = benefit_cost(
        earned=[EarnedOtherwise(*each) for each in earned],
        bought=[BoughtOtherwise(*each) for each in bought],
        minor_per_100=50,
    )
    assert found == expected
    assert found.total_minor == expected.points_minor + expected.prices_minor


_EARNED = st.lists(
    st.builds(
        EarnedOtherwise,
        st.integers(-100, 10**6),
        st.integers(1, 50_000),
        st.integers(1, 50_000),
    )
)
_BOUGHT = st.lists(
    st.builds(
        BoughtOtherwise,
        st.integers(0, 1_000),
        st.integers(0, 10**6),
        st.integers(0, 10**6),
    )
)


@given(_EARNED, _BOUGHT, st.integers(0, 1_000))
def test_going_back_costs_what_going_saved(earned, bought, minor_per_100):
    there = benefit_cost(earned=earned, bought=bought, minor_per_100=minor_per_100)
    back = benefit_cost(
        earned=[
            EarnedOtherwise(e.base_points, e.after_bp, e.before_bp) for e in earned
        ],
        bought=[
            BoughtOtherwise(b.units, b.after_minor, b.before_minor) for b in bought
        ],
        minor_per_100=minor_per_100,
    )
    assert (back.points, back.total_minor) == (-there.points, -there.total_minor)
