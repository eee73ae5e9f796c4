from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.rules.lots import Lot, TooFewPoints, choose, free_points, spending_order

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)


def lot(id, remaining=100, *, ends=100, active=-1, held=0, asked_back=0):
    return Lot(
        granted=remaining,
        remaining=remaining,
        active_at=NOW + timedelta(days=active),
        expires_at=None if ends is None else NOW + timedelta(days=ends),
        held=held,
        id=id,
        asked_back=asked_back,
    )


@pytest.mark.parametrize(
    ("_case", "lots", "order"),
    [
        ("first to end first", [lot(1, ends=9), lot(2, ends=3)], [2, 1]),
        ("without end last", [lot(1, ends=None), lot(2)], [2, 1]),
        ("then first active", [lot(1, active=-1), lot(2, active=-2)], [2, 1]),
        ("then by id", [lot(9), lot(3)], [3, 9]),
    ],
)
def test_p11_spending_order(_case, lots, order):
    assert [each.id for each in spending_order(lots)] == order


@pytest.mark.parametrize(
    ("_case", "lots", "points", "takes"),
    [
        ("part of one", [lot(1, 30)], 10, [(1, 10)]),
        ("two lots", [lot(1, 30), lot(2, 9)], 31, [(1, 30), (2, 1)]),
        ("all there is", [lot(1, 30), lot(2, 9)], 39, [(1, 30), (2, 9)]),
        ("P2: held points stay", [lot(1, 30, held=20), lot(2)], 11, [(1, 10), (2, 1)]),
        ("P2: pending points stay", [lot(1, active=1), lot(2)], 5, [(2, 5)]),
        ("R10: asked back", [lot(1, 30, asked_back=20), lot(2)], 11, [(1, 10), (2, 1)]),
        ("P10: ended points are gone", [lot(1, ends=0), lot(2)], 5, [(2, 5)]),
        ("nothing", [lot(1)], 0, []),
    ],
)
def test_p11_lots_are_eaten_in_order(_case, lots, points, takes):
    assert [(t.lot.id, t.points) for t in choose(lots, points, at=NOW)] == takes


def test_p12_too_few_points_take_nothing():
    lots = [lot(1, 30), lot(2, 9)]
    with pytest.raises(TooFewPoints):
        choose(lots, 40, at=NOW)
    assert [each.remaining for each in lots] == [30, 9]


@given(
    st.lists(
        st.tuples(st.integers(1, 50), st.integers(-5, 5), st.integers(0, 50)),
        max_size=8,
    ),
    st.integers(0, 300),
)
def test_p11_takes_add_up_and_only_the_last_lot_is_part_used(shapes, points):
    lots = [
        lot(number, remaining, ends=ends, held=min(held, remaining))
        for number, (remaining, ends, held) in enumerate(shapes)
    ]
    free = free_points(lots, NOW)
    if points > free:
        with pytest.raises(TooFewPoints):
            choose(lots, points, at=NOW)
        return
    takes = choose(lots, points, at=NOW)
    assert sum(take.points for take in takes) == points
    assert all(take.points == take.lot.free(NOW) for take in takes[:-1])
    left = [each for each in spending_order(lots) if each.free(NOW)]
    assert [take.lot for take in takes] == left[: len(takes)]
