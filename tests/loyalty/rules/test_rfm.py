"""Scores and segments by table, and what must hold for any shop."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from loyalty.rules.rfm import (
    SEGMENT_CODES,
    SEGMENTS,
    Rfm,
    RfmBounds,
    bounds_of,
    score,
    segment_table,
)

BOUNDS = RfmBounds([7, 30, 90, 180], [1, 1, 2, 4], [1_000, 2_000, 5_000, 9_000])


@pytest.mark.parametrize(
    ("_case", "days", "orders", "net", "scores"),
    [
        ("today", 0, 9, 90_000, (5, 5, 5)),
        ("on the bounds", 7, 1, 1_000, (5, 1, 1)),
        ("just behind them", 8, 2, 1_001, (4, 3, 2)),
        ("beyond all", 181, 5, 9_001, (1, 5, 5)),
        ("given back more than bought", 90, 1, -5, (3, 1, 1)),
    ],
)
def test_a_score_counts_the_bounds_below(_case, days, orders, net, scores):
    found = score(days_since=days, orders=orders, net_minor=net, bounds=BOUNDS)
    assert (found.recency, found.frequency, found.money) == scores


@pytest.mark.parametrize(
    ("scores", "segment"),
    [
        ((5, 5, 5), "champions"),
        ((5, 3, 4), "champions"),
        ((4, 4, 5), "loyal"),
        ((5, 1, 1), "new"),
        ((4, 1, 1), "promising"),
        ((3, 3, 3), "attention"),
        ((2, 4, 3), "at_risk"),
        ((1, 5, 5), "cannot_lose"),
        ((1, 1, 2), "lost"),
    ],
)
def test_segments_are_read_from_one_table(scores, segment):
    assert Rfm(*scores).segment == segment


def test_every_segment_has_a_place_and_a_name():
    assert set(segment_table()) == set(SEGMENT_CODES)
    assert len(segment_table()) == 25
    assert list(SEGMENTS[1]) == segment_table()[:5]


@given(some.lists(some.integers(-(10**9), 10**9), min_size=1, max_size=200))
def test_scores_follow_the_values_and_ties_are_equal(values):
    bounds = RfmBounds([0] * 4, [0] * 4, bounds_of(values))
    found = {
        value: score(days_since=0, orders=1, net_minor=value, bounds=bounds).money
        for value in values
    }
    in_order = [found[value] for value in sorted(found)]
    assert in_order == sorted(in_order)
    assert in_order[0] == 1
    # No fifth holds more than a fifth, but for those who are alike.
    if len(set(values)) == len(values):
        sizes = [in_order.count(each) for each in range(1, 6)]
        assert max(sizes) <= -(-len(values) // 5)
