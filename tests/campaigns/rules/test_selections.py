"""Which units a benefit touches: sorted, grouped, bought and got."""

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules.policies import WIRE, policies_of
from campaigns.rules.rounding import MODES, rounded, split
from campaigns.rules.selections import (
    Selection,
    Unit,
    bundles,
    buy_and_get,
    most_sets,
    sets_of_each,
    units_in_sets,
)


def units(*prices, position=1):
    return [Unit(position, at, price, price) for at, price in enumerate(prices)]


def prices(chosen):
    return [unit.left_minor for unit in chosen]


@pytest.mark.parametrize(
    ("_case", "selection", "formation", "expected"),
    [
        ("all", Selection(), "consecutive", [30, 10, 20, 60, 50, 40]),
        ("two cheapest", Selection(most_units=2), "consecutive", [10, 20]),
        (
            "two dearest",
            Selection(most_units=2, dearest_first=True),
            "consecutive",
            [60, 50],
        ),
        ("one a line", Selection(most_per_line=1), "consecutive", [10]),
        (
            "one of each pair",
            Selection(group_size=2, per_group=1),
            "consecutive",
            [10, 30, 50],
        ),
        (
            "one of each three, dealt out in turn",
            Selection(group_size=3, per_group=1),
            "round_robin",
            [10, 20],
        ),
        (
            "as many of the cheapest as there are full groups",
            Selection(group_size=4, per_group=2),
            "cheapest_of_all",
            [10, 20],
        ),
        (
            "one group only",
            Selection(group_size=2, per_group=1, repeats=1),
            "consecutive",
            [10],
        ),
    ],
)
def test_a_selection_by_table(_case, selection, formation, expected):
    policies = policies_of({"group.formation": formation})
    assert prices(selection.of(units(30, 10, 20, 60, 50, 40), policies)) == expected


def test_groups_use_up_the_dearest_besides():
    all_units = units(30, 10, 20)
    selection = Selection(group_size=2, per_group=1)
    chosen = selection.of(all_units, WIRE)
    assert prices(selection.used_by(all_units, chosen, WIRE)) == [10, 30]


def test_s15_a_unit_both_could_use_is_got_only_while_enough_are_left_to_buy():
    goods = units(10, 20, 30)
    bought, got = buy_and_get(goods, goods, 2, 1, 1)
    assert (prices(got), prices(bought)) == ([10], [30, 20])
    other = units(5, position=2)
    bought, got = buy_and_get(goods, [*other, *goods], 3, 1, 1)
    assert (prices(got), len(bought)) == ([5], 3)


@given(
    st.sets(st.integers(0, 6)),
    st.sets(st.integers(0, 6)),
    st.integers(0, 3),
    st.integers(1, 2),
)
def test_s15_as_many_sets_as_are_possible_are_made_of_different_units(
    can_buy, can_get, buy, get
):
    everything = units(*range(100, 107))
    buyable = [everything[at] for at in sorted(can_buy)]
    gettable = [everything[at] for at in sorted(can_get)]
    times = most_sets(buyable, gettable, buy, get)
    bought, got = buy_and_get(buyable, gettable, buy, get, times)
    assert (len(bought), len(got)) == (buy * times, get * times)
    assert not set(bought) & set(got)


def test_sets_of_different_kinds_make_as_many_as_possible():
    kinds = {0: "a", 1: "a", 2: "b", 3: "c"}
    made = sets_of_each(units(1, 2, 3, 4), lambda unit: kinds[unit.place], 2)
    assert [sorted(kinds[unit.place] for unit in each) for each in made] == [
        ["a", "b"],
        ["a", "c"],
    ]


@pytest.mark.parametrize(
    ("kinds", "size", "kept"),
    [
        ("aaab", 2, "ab"),
        ("aabbc", 2, "aabbc"),
        ("aaa", 2, ""),
        ("aaaabbcc", 2, "aaaabbcc"),
    ],
)
def test_units_in_sets_of_different_kinds(kinds, size, kept):
    found = units_in_sets(units(*range(len(kinds))), lambda u: kinds[u.place], size)
    assert "".join(kinds[unit.place] for unit in found) == kept


def test_s18_bundles_take_each_unit_once():
    made = bundles(units(1, 2, 3), [(lambda _unit: True, 2)])
    assert [prices(each) for each in made] == [[1, 2]]
    assert bundles(units(1, 2), [(lambda _unit: False, 1)]) == []


def test_s18_bundles_of_the_largest_cart_are_made_at_once():
    lines = [units(*[1] * 10_000, position=at) for at in (1, 2, 3)]
    everyone = [unit for line in lines for unit in line]
    parts = [(lambda unit, at=at: unit.position == at, 1) for at in (1, 2, 3)]
    began = perf_counter()
    made = bundles(everyone, parts)
    assert perf_counter() - began < 2
    assert made == list(map(list, zip(*lines, strict=True)))


@given(
    st.lists(st.integers(1, 4), max_size=12),
    st.lists(st.tuples(st.sets(st.integers(1, 4)), st.integers(1, 3)), min_size=1),
)
def test_s18_bundles_are_those_of_the_first_units_that_fit(positions, parts):
    everyone = [Unit(at, place, 1, 1) for place, at in enumerate(positions)]
    left, expected = list(everyone), []
    while True:
        bundle = []
        for fitting, count in parts:
            found = [u for u in left if u not in bundle and u.position in fitting]
            bundle += found[:count]
        if len(bundle) < sum(count for _fitting, count in parts):
            break
        left = [unit for unit in left if unit not in bundle]
        expected.append(bundle)
    asked = [(lambda u, f=fitting: u.position in f, n) for fitting, n in parts]
    assert bundles(everyone, asked) == expected


@given(
    st.integers(0, 10**6),
    st.lists(st.integers(0, 10**4), min_size=1, max_size=6),
    st.sampled_from(["largest_remainder", "last_line", "any", "first_units"]),
    st.sampled_from(MODES),
)
def test_x8_parts_add_up_wherever_the_remainder_goes(total, weights, remainder, mode):
    named = {"allocation.remainder": remainder, "rounding.mode": mode}
    assert sum(split(total, weights, policies_of(named))) == total


@given(st.fractions(0, 10**6))
def test_every_mode_rounds_to_a_neighbour(amount):
    for mode in MODES:
        whole = rounded(amount, policies_of({"rounding.mode": mode}))
        assert abs(whole - amount) < 1
