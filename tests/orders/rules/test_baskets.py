"""What a basket can give: by line, by unit, down to floors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.rules.baskets import Basket, delivery_charge
from orders.rules.offers import PriceRequest, Reduction, Stage
from orders.rules.units import split_evenly
from tests.cast import NOON
from tests.orders.shop import line


def basket(*lines, **fields):
    return Basket.of(PriceRequest(lines=lines, currency="CNY", now=NOON, **fields))


def take(work, reduction):
    taking = work.takeable(reduction)
    work.take(taking)
    return taking


@pytest.mark.parametrize(
    ("total", "count", "parts"),
    [(9, 3, (3, 3, 3)), (10000, 3, (3333, 3334, 3333)), (1, 2, (1, 0)), (0, 2, (0, 0))],
)
def test_s11_units_of_a_line_add_up_to_it(total, count, parts):
    assert split_evenly(total, count) == parts


def test_s15_what_is_taken_from_single_units_stays_with_them():
    work = basket(line(1, 1000, 3))
    take(work, Reduction(1000, (1,), unit_shares=((1, 2, 1000),), uses=((1, 2),)))
    assert (work.left[1], work.unit_lefts(1)) == (2000, (1000, 1000, 0))
    assert work.used[1] == frozenset({2})
    # What comes after takes from each unit in proportion to what it still costs.
    take(work, Reduction(301, (1,)))
    assert work.unit_lefts(1) == (850, 849, 0)


def test_s12_a_unit_stops_at_its_floor_and_the_rest_is_lost():
    work = basket(line(1, 1000, 2, floor_minor=700))
    taking = work.takeable(Reduction(900, (1,), unit_shares=((1, 0, 500), (1, 1, 400))))
    assert taking.shares == ((1, 600),)


def test_s12_what_is_taken_off_a_line_leaves_every_unit_at_its_floor():
    work = basket(line(1, 302, 2, floor_minor=300))
    take(work, Reduction(2, (1,), unit_shares=((1, 0, 2),)))
    take(work, Reduction(604, (1,)))
    assert work.unit_lefts(1) == (300, 300)
    assert not work.takeable(Reduction(9, (1,), unit_shares=((1, 1, 9),))).amount_minor


def test_s11_first_units_take_the_remainder_of_what_they_still_cost():
    work = basket(line(1, 1000, 3), line(2, 1000, 2, floor_minor=900))
    take(work, Reduction(1000, (1,), unit_shares=((1, 0, 1000),)))
    asked = Reduction(800, (1, 2), shares=((1, 301), (2, 499)), by_first_units=True)
    # The second line stops at its floor; the free unit of the first gives nothing.
    taking = take(work, asked)
    assert taking.shares == ((1, 600), (2, 200))
    assert work.unit_lefts(1) == (0, 700, 700)
    take(work, Reduction(3, (1,), shares=((1, 3),), by_first_units=True))
    assert work.unit_lefts(1) == (0, 698, 699)


def test_s10_what_a_line_cannot_take_moves_to_the_others_or_not():
    lines = (line(1, 1000, floor_minor=900), line(2, 1000))
    asked = {"amount_minor": 600, "positions": (1, 2), "shares": ((1, 300), (2, 300))}
    assert basket(*lines).takeable(Reduction(**asked)).shares == ((1, 100), (2, 500))
    stays = Reduction(**asked, moves_excess=False)
    assert basket(*lines).takeable(stays).shares == ((1, 100), (2, 300))


def test_charges_are_lines_of_their_own():
    work = basket(line(1, 1000), charges=(delivery_charge(500, method="post"),))
    assert [each.position for each in work.goods] == [1]
    assert [each.position for each in work.charges] == [0]
    seen = work.at(Stage.ITEM, work.left)
    assert [(each.line.kind, each.left_minor) for each in seen] == [
        ("goods", 1000),
        ("freight", 500),
    ]


def test_trying_on_a_copy_leaves_the_basket_alone():
    work = basket(line(1, 1000, 2))
    tried = work.copy()
    take(tried, Reduction(10, (1,), unit_shares=((1, 0, 10),), uses=((1, 0),)))
    assert (work.left, work.units, work.used) == ({1: 2000}, {}, {})


@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(1, 4)), min_size=1, max_size=4),
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 900)),
        max_size=8,
    ),
    st.integers(0, 3000),
)
def test_s11_units_always_add_up_to_their_line(drawn, singles, spread):
    lines = [line(at, *each) for at, each in enumerate(drawn, start=1)]
    work = basket(*lines)
    wanted = {}
    for at, unit, amount in singles:
        if at < len(lines) and unit < lines[at].quantity:
            wanted[at + 1, unit] = amount
    singly = tuple((at, unit, amount) for (at, unit), amount in wanted.items())
    everywhere = tuple(each.position for each in lines)
    if singly:
        take(work, Reduction(sum(wanted.values()), everywhere, unit_shares=singly))
    take(work, Reduction(spread, everywhere))
    for each in lines:
        units = work.unit_lefts(each.position)
        assert sum(units) == work.left[each.position] >= 0
        assert min(units) >= 0
