"""The table of moves: every pair of states, and where an order stands by its units."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.models import Order
from orders.rules.lifecycle import (
    BUYER,
    GROUPS,
    MOVES,
    SERVER,
    SHIPPABLE,
    STAFF,
    STANDING,
    SYSTEM,
    Units,
    buyer_may,
    delivery_state,
    may_move,
    states_before,
    way_to,
)

STATES = Order.State.values
#: From, to, and who: b(uyer), s(taff), y (system), k (server key).
ALLOWED = {
    ("pending", "paid"): "syk",
    ("pending", "cancelled"): "bsyk",
    ("paid", "partly_shipped"): "sk",
    ("paid", "shipped"): "sk",
    ("paid", "completed"): "syk",
    ("paid", "refunded"): "bsyk",
    ("partly_shipped", "paid"): "sk",
    ("partly_shipped", "shipped"): "syk",
    ("partly_shipped", "completed"): "syk",
    ("partly_shipped", "refunded"): "bsyk",
    ("shipped", "paid"): "sk",
    ("shipped", "partly_shipped"): "sk",
    ("shipped", "delivered"): "bsyk",
    ("shipped", "refunded"): "bsyk",
    ("delivered", "completed"): "bsyk",
    ("delivered", "refunded"): "bsyk",
    ("completed", "refunded"): "bsyk",
}
LETTERS = {"b": BUYER, "s": STAFF, "y": SYSTEM, "k": SERVER}


def test_the_table_is_about_the_states_there_are():
    assert set(MOVES) == set(STATES)
    assert {to for nexts in MOVES.values() for to in nexts} <= set(STATES)
    assert set(itertools.chain(*GROUPS.values())) == set(STATES)
    assert set(SHIPPABLE) <= set(STANDING) <= set(STATES)


@pytest.mark.parametrize(
    ("from_state", "to_state"), list(itertools.product(STATES, STATES))
)
def test_every_pair_of_states_and_who(from_state, to_state):
    letters = ALLOWED.get((from_state, to_state), "")
    assert may_move(from_state, to_state) is bool(letters)
    for letter, who in LETTERS.items():
        assert may_move(from_state, to_state, who) is (letter in letters)


def test_only_what_waits_for_payment_can_be_cancelled():
    assert states_before("cancelled") == ["pending"]


@pytest.mark.parametrize(
    ("_case", "lines", "is_under_way", "state"),
    [
        ("nothing left yet", [Units(2, 0, 0)], False, "paid"),
        ("one of two", [Units(2, 0, 1)], True, "partly_shipped"),
        ("one of two arrived", [Units(2, 0, 1)], False, "partly_shipped"),
        ("all of it", [Units(2, 0, 2)], True, "shipped"),
        ("all arrived", [Units(2, 0, 2)], False, "delivered"),
        ("the rest was given back", [Units(3, 1, 2)], True, "shipped"),
        ("the rest was given back, arrived", [Units(3, 1, 2)], False, "delivered"),
        ("one came back", [Units(3, 1, 3)], False, "delivered"),
        (
            "another line waits",
            [Units(1, 0, 1), Units(1, 0, 0)],
            True,
            "partly_shipped",
        ),
        ("a gift card", [Units(1, 0, 0, needs_delivery=False)], False, "completed"),
        (
            "goods given back, a fee stays",
            [Units(2, 2, 0), Units(1, 0, 0, needs_delivery=False)],
            False,
            "completed",
        ),
        (
            "goods with freight",
            [Units(1, 0, 0), Units(1, 0, 0, needs_delivery=False)],
            False,
            "paid",
        ),
    ],
)
def test_where_an_order_stands(_case, lines, is_under_way, state):
    assert delivery_state(lines, is_under_way=is_under_way) == state


@given(
    st.lists(
        st.integers(1, 9).flatmap(
            lambda bought: st.builds(
                Units,
                st.just(bought),
                st.integers(0, bought),
                st.integers(0, bought),
                st.booleans(),
            )
        ),
        max_size=5,
    ),
    st.booleans(),
)
def test_an_order_that_waits_for_units_is_never_on_its_way(lines, is_under_way):
    state = delivery_state(lines, is_under_way=is_under_way)
    waits = any(line.to_ship for line in lines)
    assert waits is (state in SHIPPABLE)
    assert all(line.to_ship >= 0 for line in lines)


@pytest.mark.parametrize(
    ("from_state", "to_state", "way"),
    [
        ("paid", "paid", []),
        ("paid", "shipped", ["shipped"]),
        ("paid", "delivered", ["shipped", "delivered"]),
        ("partly_shipped", "delivered", ["shipped", "delivered"]),
        ("shipped", "paid", ["paid"]),
        ("pending", "completed", ["paid", "completed"]),
    ],
)
def test_the_way_from_state_to_state(from_state, to_state, way):
    assert way_to(from_state, to_state) == way


@pytest.mark.parametrize("to_state", ["paid", "cancelled", "completed"])
def test_no_way_leads_out_of_the_end(to_state):
    with pytest.raises(ValueError, match="refunded"):
        way_to("refunded", to_state)


@pytest.mark.parametrize(
    ("_case", "state", "units", "is_late", "deeds"),
    [
        ("fresh", "delivered", Units(2, 0, 2), False, {"return", "review"}),
        ("too late", "completed", Units(2, 0, 2), True, {"review"}),
        ("asked back", "delivered", Units(2, 1, 2, returning=1), False, {"review"}),
        ("one left", "delivered", Units(2, 0, 2, returning=1), False, None),
        ("reviewed", "delivered", Units(2, 0, 2, is_reviewed=True), False, {"return"}),
        ("on its way", "shipped", Units(2, 0, 2), False, {"return"}),
        ("a gift card", "completed", Units(1, 0, 0, False), False, set()),
    ],
)
def test_what_a_buyer_may_do_knows_time_and_reviews(
    _case, state, units, is_late, deeds
):
    may = buyer_may(
        state, [units], is_ours=True, is_overdue=False, is_return_late=is_late
    )
    wanted = {"return", "review"} if deeds is None else deeds
    assert {each for each in ("return", "review") if may[each]} == wanted
