"""Spend-and-save by table and by property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules.promotions import SpendAndSave
from campaigns.rules.rungs import BadRungs, check_rungs, spend_and_save
from orders.rules.lines import PriceLine, StageLine
from orders.rules.offers import Reduction, Refused

LADDER = ((30000, 5000), (60000, 12000))


def line(position, amount, kind="goods"):
    return StageLine(
        PriceLine(position, 1, 1, None, f"S{position}", "x", kind, 1, amount), amount
    )


@pytest.mark.parametrize(
    ("basis", "off"),
    [(0, 0), (29999, 0), (30000, 5000), (59999, 5000), (60000, 12000), (10**9, 12000)],
)
def test_s13_only_the_highest_step_reached_counts(basis, off):
    assert spend_and_save(basis, LADDER) == off


@pytest.mark.parametrize(
    ("basis", "max_times", "off"),
    [
        (9999, 3, 0),
        (10000, 3, 1000),
        (39900, 3, 3000),
        (99900, 3, 3000),
        (25000, 9, 2000),
    ],
)
def test_s14_repeats_for_every_full_threshold_up_to_the_cap(basis, max_times, off):
    assert (
        spend_and_save(basis, [(10000, 1000)], repeats=True, max_times=max_times) == off
    )


@pytest.mark.parametrize(
    ("_case", "rungs", "repeats", "says"),
    [
        ("nothing", [], False, "at least one"),
        ("text", "30000", False, "at least one"),
        ("not pairs", [[1, 2, 3]], False, "Step 1"),
        ("a float", [[100.0, 10]], False, "Step 1"),
        ("a bool", [[True, True]], False, "Step 1"),
        ("zero", [[0, 0]], False, "Step 1"),
        ("more off than spent", [[100, 101]], False, "more than its threshold"),
        ("falling benefit", [[100, 50], [200, 40]], False, "Step 2"),
        ("equal threshold", [[100, 50], [100, 60]], False, "Step 2"),
        ("two that repeat", [[100, 10], [200, 30]], True, "one step"),
    ],
)
def test_s13_refuses_steps_no_shop_can_mean(_case, rungs, repeats, says):
    with pytest.raises(BadRungs, match=says):
        check_rungs(rungs, repeats=repeats)


def test_s25_says_how_much_is_missing():
    offer = SpendAndSave("prm_1", "x", LADDER)
    assert offer.reduce([line(1, 29000)]) == Refused(
        "threshold_not_met", {"missing_minor": 1000}
    )


def test_p23_freight_and_fees_neither_count_nor_are_reduced():
    offer = SpendAndSave("prm_1", "x", LADDER)
    taken = offer.reduce([line(1, 30000), line(2, 40000, kind="freight")])
    assert isinstance(taken, Reduction)
    assert (taken.amount_minor, taken.positions) == (5000, (1,))


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_spending_more_never_saves_less(one, other):
    low, high = sorted((one, other))
    assert spend_and_save(low, LADDER) <= spend_and_save(high, LADDER) <= high
