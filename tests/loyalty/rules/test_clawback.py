from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.shared.money import cumulative_share
from loyalty.rules.clawback import EarnedLine, points_due


def clawed(earned, basis, refunds):
    taken, before = [], 0
    for amount in refunds:
        before += amount
        taken.append(
            points_due(
                earned, basis_minor=basis, refunded_minor=before, taken=sum(taken)
            )
        )
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


# --- By line -----------------------------------------------------------------------


def clawed_by_units(lines, back):
    """Refund one unit after the other: position by position as ``back`` names them."""
    taken, basis = [], sum(line.net_minor for line in lines)
    earned = sum(line.points for line in lines)
    for at in back:
        lines[at].units_back += 1
        worth = sum(
            cumulative_share(each.net_minor, each.units_back, each.units)
            for each in lines
        )
        taken.append(
            points_due(
                earned,
                basis_minor=basis,
                refunded_minor=worth,
                taken=sum(taken),
                lines=lines,
            )
        )
    return taken


@pytest.mark.parametrize(
    ("_case", "lines", "back", "taken"),
    [
        ("P19: the example of the rule", [(97, 3, 10_000)], [0, 0, 0], [32, 32, 33]),
        ("a rich line first", [(90, 1, 100), (10, 1, 200)], [0, 1], [90, 10]),
        ("a poor line first", [(90, 1, 100), (10, 1, 200)], [1, 0], [10, 90]),
        ("a gift that earned", [(5, 1, 0), (10, 1, 100)], [0, 1], [5, 10]),
        ("a line that earned nothing", [(0, 2, 900), (7, 1, 1)], [0, 0, 1], [0, 0, 7]),
        ("all of it cost nothing", [(6, 3, 0)], [0, 0, 0], [2, 2, 2]),
    ],
)
def test_p19_a_refund_takes_what_its_lines_earned(_case, lines, back, taken):
    assert clawed_by_units([EarnedLine(*line) for line in lines], back) == taken


def test_p19_money_without_units_takes_its_share():
    """10.00 of 100.00 are given back, then the line that earned nine tenths."""
    lines = [EarnedLine(90, 1, 5_000), EarnedLine(10, 1, 5_000)]
    first = points_due(
        100, basis_minor=10_000, refunded_minor=1_000, taken=0, lines=lines
    )
    lines[0].units_back = 1
    then = points_due(
        100, basis_minor=10_000, refunded_minor=6_000, taken=first, lines=lines
    )
    assert (first, then) == (10, 90)
    # The tenth that was taken before was part of what the second line earned.
    lines[1].units_back = 1
    last = points_due(
        100, basis_minor=10_000, refunded_minor=10_000, taken=first + then, lines=lines
    )
    assert last == 0


@st.composite
def _orders(draw):
    line = st.builds(
        EarnedLine, st.integers(0, 10**6), st.integers(1, 5), st.integers(0, 10**6)
    )
    lines = draw(st.lists(line, min_size=1, max_size=5))
    units = [at for at, line in enumerate(lines) for _unit in range(line.units)]
    return lines, draw(st.permutations(units))


@given(_orders())
def test_p19_units_in_any_order_take_exactly_the_whole_and_each_step_its_part(drawn):
    lines, back = drawn
    taken = clawed_by_units(lines, back)
    assert sum(taken) == sum(line.points for line in lines)
    for at, points in zip(back, taken, strict=True):
        exact = Fraction(lines[at].points, lines[at].units)
        assert abs(points - exact) < 1


@given(_orders(), st.lists(st.integers(0, 10**5), max_size=9))
def test_p19_nothing_is_ever_taken_twice(drawn, loose):
    """Units and money without units in any mixture: never below 0, never too much."""
    lines, back = drawn
    basis = sum(line.net_minor for line in lines)
    earned, value, total = sum(line.points for line in lines), 0, [0]
    for at, money in zip(back, [*loose, *[0] * len(back)], strict=False):
        lines[at].units_back += 1
        value += money
        due = points_due(
            earned, basis_minor=basis, refunded_minor=value, taken=total[-1],
            lines=lines,
        )  # fmt: skip
        total.append(total[-1] + due)
    assert all(before <= after <= earned for before, after in pairwise(total))
