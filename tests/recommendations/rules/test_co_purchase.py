from collections import defaultdict
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations.rules import co_purchase
from recommendations.rules.co_purchase import Pair, bought_together, shrunken_lift


def pairs(baskets):
    """Return pairs of baskets given as {member: [products, newest first]}."""
    rows = [(m, p) for m, products in baskets.items() for p in products]
    members, products = zip(*rows, strict=True) if rows else ((), ())
    return list(
        bought_together(
            np.array(members, dtype=np.int64), np.array(products, dtype=np.int64)
        )
    )


def test_lift_is_pulled_down_where_few_stand_behind_it():
    few, many = shrunken_lift(np.array([5, 500]), 500, np.array([5, 500]), 1_000)
    assert few == pytest.approx(2 * 5 / 15)
    assert many == pytest.approx(2 * 500 / 510)


def test_two_products_of_the_same_five_buyers():
    baskets = {member: [0, 1] for member in range(5)} | {9: [2]}
    assert pairs(baskets) == [
        Pair(0, 1, both=5, buyers=5, score=pytest.approx(6 / 5 * 5 / 15)),
        Pair(1, 0, both=5, buyers=5, score=pytest.approx(6 / 5 * 5 / 15)),
    ]


def test_four_buyers_are_too_few():
    assert pairs({member: [0, 1] for member in range(4)}) == []


def test_no_purchases_teach_nothing():
    assert pairs({}) == []


def test_a_product_everybody_buys_is_worth_less_than_a_rare_companion():
    baskets = {member: [0, 1, 2] for member in range(6)}
    baskets |= {member: [2] for member in range(6, 60)}

    best = [pair.other for pair in pairs(baskets) if pair.product == 0]

    assert best == [1, 2]


def test_of_a_huge_basket_only_the_newest_count(monkeypatch):
    monkeypatch.setattr(co_purchase, "LARGEST_BASKET", 2)
    found = {(p.product, p.other) for p in pairs({m: [0, 1, 2] for m in range(5)})}
    assert found == {(0, 1), (1, 0)}


def test_at_most_so_many_others_are_kept(monkeypatch):
    monkeypatch.setattr(co_purchase, "MOST_OTHERS", 3)
    found = pairs({member: list(range(8)) for member in range(5)})
    assert [p.other for p in found if p.product == 0] == [1, 2, 3], "ties by position"


@settings(deadline=None)
@given(
    st.lists(
        st.lists(st.integers(0, 7), unique=True, min_size=1), min_size=1, max_size=25
    )
)
def test_counts_equal_a_naive_count(baskets):
    naive = defaultdict(int)
    for products in baskets:
        for pair in permutations(products, 2):
            naive[pair] += 1

    found = {(p.product, p.other): p.both for p in pairs(dict(enumerate(baskets)))}

    assert found == {pair: both for pair, both in naive.items() if both >= 5}
