"""What units that replace others carry over, and cost (R13, R14)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.rules.exchanges import (
    PricePolicy,
    Taken,
    TakenOver,
    is_even,
    new_price,
    repriced,
    taken_over,
)
from orders.rules.unit_prices import UnitPrice


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


# --- Uneven exchanges -----------------------------------------------------------


def price(minor: int) -> UnitPrice:
    return UnitPrice(minor, minor, "list")


@pytest.mark.parametrize(
    ("policy", "minor"), [("today", 900), ("order_day", 800), ("lower", 800)]
)
def test_r14_which_price_counts(policy, minor):
    chosen = new_price(PricePolicy(policy), today=price(900), then=price(800))
    assert chosen.amount_minor == minor


@pytest.mark.parametrize(
    ("_case", "new", "net", "shares"),
    [
        ("dearer", 6_000, 5_400, ((300, 30), (300, 0))),
        ("the same", 5_000, 4_400, ((300, 30), (300, 0))),
        ("half", 2_500, 2_200, ((150, 15), (150, 0))),
        ("nothing", 0, 0, ((0, 0), (0, 0))),
    ],
)
def test_r14_what_another_article_costs(_case, new, net, shares):
    over = TakenOver(4_400, 600, (Taken(300, 30), Taken(300)))
    found = repriced(over, units=1, old_price_minor=5_000, new_price_minor=new)
    assert found.net_minor == net
    assert found.shares == tuple(Taken(*each) for each in shares)


@given(
    st.integers(1, 9),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.lists(st.tuples(st.integers(0, 10**5), st.integers(0, 10**4)), max_size=4),
)
def test_x8_a_repriced_unit_adds_up(units, old, new, reductions):
    room = units * old
    shares = []
    for amount, points in reductions:
        shares.append(Taken(min(amount, room), points if room else 0))
        room -= shares[-1].amount_minor
    discount = sum(each.amount_minor for each in shares)
    over = TakenOver(units * old - discount, discount, tuple(shares))
    found = repriced(over, units=units, old_price_minor=old, new_price_minor=new)
    assert found.net_minor == units * new - found.discount_minor >= 0
    assert sum(each.amount_minor for each in found.shares) == found.discount_minor
    assert found.discount_minor <= discount
    assert found.points <= over.points
