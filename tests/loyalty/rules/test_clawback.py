import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.rules.clawback import points_due


def clawed(earned, basis, refunds):
    taken, before = [], 0
    for amount in refunds:
        taken.append(
            points_due(
                earned,
                basis_minor=basis,
                refunded_before_minor=before,
                refunded_minor=amount,
            )
        )
        before += amount
    return taken


@pytest.mark.parametrize(
    ("_case", "earned", "basis", "refunds", "taken"),
    [
        ("P19: the example of the rule", 97, 300, [100, 100, 100], [32, 32, 33]),
        ("all at once", 253, 16890, [16890], [253]),
        ("a cent of much takes nothing yet", 10, 1000, [1, 999], [0, 10]),
        ("an order of nothing", 0, 0, [0], [0]),
        ("never more than was earned", 10, 1000, [900, 900], [9, 1]),
    ],
)
def test_p19_clawing_is_cumulative(_case, earned, basis, refunds, taken):
    assert clawed(earned, basis, refunds) == taken


@given(st.integers(0, 10**6), st.lists(st.integers(0, 10**5), min_size=1, max_size=9))
def test_p19_any_portions_take_back_exactly_what_was_earned(earned, portions):
    basis = sum(portions)
    taken = clawed(earned, basis, portions)
    assert min(taken) >= 0
    assert sum(taken) == (earned if basis else 0)
