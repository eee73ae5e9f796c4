"""Orders of other systems: what fits, what contradicts, what is news."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from orders.models import Order
from orders.rules.ingesting import (
    REPORTED,
    Contradiction,
    GivenLine,
    GivenOrder,
    GivenShare,
    GivenTender,
    Misfit,
    check,
    find_contradiction,
    steps,
)
from tests.cast import NOON

HOUR = timedelta(hours=1)
NOW = NOON + 9 * HOUR
#: Three at 100.00 less 10.00, one at 33.33; freight 8.00: 321.33.
ORDER = GivenOrder(
    state="paid",
    placed_at=NOON,
    paid_at=NOON + HOUR,
    lines=(
        GivenLine("TEA", 3, 10_000, (GivenShare("SUMMER", "Summer", 1_000),)),
        GivenLine("CUP", 1, 3_333),
    ),
    freight_minor=800,
    total_minor=33_133,
    tenders=(GivenTender("cash", 30_000), GivenTender("card", 3_133)),
    channel="store",
    campaign="autumn",
)


def line(**changes) -> tuple[GivenLine, ...]:
    return (replace(ORDER.lines[0], **changes), ORDER.lines[1])


def test_an_order_that_adds_up_fits():
    check(ORDER, now=NOW)
    check(replace(ORDER, tenders=()), now=NOW)
    check(replace(ORDER, state="pending", paid_at=None, tenders=()), now=NOW)
    # Tenders of an unpaid order are promises.
    check(
        replace(ORDER, state="pending", paid_at=None, tenders=ORDER.tenders[:1]),
        now=NOW,
    )


@pytest.mark.parametrize(
    ("changes", "code", "pointer", "params"),
    [
        (
            {"total_minor": 33_132},
            "order_sums_differ",
            "/total",
            {"expected": 33_133, "given": 33_132, "difference": -1},
        ),
        (
            {"freight_minor": 801},
            "order_sums_differ",
            "/total",
            {"expected": 33_134, "given": 33_133, "difference": -1},
        ),
        (
            {"tenders": (GivenTender("cash", 33_134),)},
            "tenders_differ",
            "/tenders",
            {"expected": 33_133, "given": 33_134, "difference": 1},
        ),
        (
            {"lines": line(shares=(GivenShare("A", "A", 30_001),))},
            "discount_too_large",
            "/lines/0/discounts",
            {"position": 1},
        ),
        (
            {"lines": line(shares=(GivenShare("A", "A", 1), GivenShare("A", "B", 2)))},
            "discount_twice",
            "/lines/0/discounts",
            {"position": 1},
        ),
        (
            {"lines": line(quantity=10**5, unit_price_minor=10**12)},
            "amount_too_large",
            "/lines/0",
            {"position": 1},
        ),
        (
            {"lines": (GivenLine("A", 1, 10**15 - 1), GivenLine("B", 1, 1))},
            "amount_too_large",
            "/lines",
            {},
        ),
        ({"paid_at": None}, "time_missing", "/paid_at", {"field": "paid_at"}),
        (
            {"state": "pending"},
            "time_unexpected",
            "/paid_at",
            {"field": "paid_at"},
        ),
        (
            {"state": "cancelled"},
            "time_unexpected",
            "/paid_at",
            {"field": "paid_at"},
        ),
        (
            {"shipped_at": NOON + 2 * HOUR},
            "time_unexpected",
            "/shipped_at",
            {"field": "shipped_at"},
        ),
        (
            {"paid_at": NOON - HOUR},
            "times_out_of_order",
            "/paid_at",
            {"field": "paid_at"},
        ),
        (
            {"state": "delivered", "delivered_at": NOON},
            "times_out_of_order",
            "/delivered_at",
            {"field": "delivered_at"},
        ),
        (
            {"paid_at": NOW + HOUR},
            "times_out_of_order",
            "/paid_at",
            {"field": "paid_at"},
        ),
        (
            {"state": "cancelled", "paid_at": None, "placed_at": NOW + HOUR},
            "times_out_of_order",
            "/placed_at",
            {"field": "placed_at"},
        ),
    ],
)
def test_an_order_that_cannot_be_says_where(changes, code, pointer, params):
    with pytest.raises(Misfit) as found:
        check(replace(ORDER, **changes), now=NOW)
    assert (found.value.code, found.value.pointer) == (code, pointer)
    assert found.value.params == params


def test_clocks_of_other_machines_may_be_a_little_ahead():
    check(replace(ORDER, paid_at=NOW + timedelta(minutes=5)), now=NOW)


LINES = st.lists(
    st.tuples(st.integers(1, 50), st.integers(0, 10**6), st.integers(0, 100)).map(
        lambda one: GivenLine(
            "A",
            one[0],
            one[1],
            (GivenShare("X", "X", one[0] * one[1] * one[2] // 100),),
        )
    ),
    min_size=1,
    max_size=6,
)


@for_all(lines=LINES, freight=st.integers(0, 10**4), error=st.integers(-3, 3))
def test_only_the_exact_total_fits(lines, freight, error):
    total = sum(line.net_minor for line in lines) + freight
    order = replace(
        ORDER, lines=tuple(lines), freight_minor=freight, total_minor=total, tenders=()
    )
    assert total == order.goods_minor - order.discount_minor + freight
    if not error:
        check(order, now=NOW)
        return
    with pytest.raises(Misfit) as found:
        check(replace(order, total_minor=total + error), now=NOW)
    assert found.value.params["difference"] == error


# --- Said before --------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({}, ""),
        ({"state": "delivered", "delivered_at": NOON + 3 * HOUR}, ""),
        ({"carrier": "SF", "tracking": "1"}, ""),
        ({"tenders": ORDER.tenders[::-1]}, ""),
        ({"lines": line(name="Another name")}, ""),
        ({"lines": line(shares=(GivenShare("SUMMER", "Sommer", 1_000),))}, ""),
        ({"state": "pending", "paid_at": None, "tenders": ()}, ""),
        ({"member_id": 7}, "/member"),
        ({"channel": "web"}, "/channel"),
        ({"region": "杭州"}, "/region"),
        ({"campaign": "spring"}, "/campaign"),
        ({"device": "phone"}, "/device"),
        ({"placed_at": NOON + HOUR}, "/placed_at"),
        ({"paid_at": NOON + 2 * HOUR}, "/paid_at"),
        ({"freight_minor": 0}, "/freight"),
        ({"tenders": ()}, "/tenders"),
        ({"lines": ORDER.lines[:1]}, "/lines"),
        ({"lines": ORDER.lines[::-1]}, "/lines/0/sku"),
        ({"lines": line(quantity=2)}, "/lines/0/quantity"),
        ({"lines": line(unit_price_minor=9_999)}, "/lines/0/unit_price"),
        ({"lines": line(shares=())}, "/lines/0/discounts"),
        ({"lines": line(shares=(GivenShare("X", "X", 1_000),))}, "/lines/0/discounts"),
    ],
)
def test_what_was_agreed_stays(changes, pointer):
    assert find_contradiction(ORDER, replace(ORDER, **changes)) == pointer


# --- States -------------------------------------------------------------------

#: Known -> reported -> the way; "!" contradicts. Columns as in REPORTED.
WAYS = {
    "pending": ["", "paid", "paid shipped", "paid shipped delivered"]
    + ["paid shipped delivered completed", "cancelled"],
    "paid": ["", "", "shipped", "shipped delivered"]
    + ["shipped delivered completed", "!"],
    "partly_shipped": ["", "", "shipped", "shipped delivered"]
    + ["shipped delivered completed", "!"],
    "shipped": ["", "", "", "delivered", "delivered completed", "!"],
    "delivered": ["", "", "", "", "completed", "!"],
    "completed": ["", "", "", "", "", "!"],
    "refunded": ["", "", "", "", "", "!"],
    "cancelled": ["", "!", "!", "!", "!", ""],
}


@pytest.mark.parametrize("known", Order.State.values)
def test_x2_news_move_an_order_on_and_old_news_change_nothing(known):
    for reported, way in zip(REPORTED, WAYS[known], strict=True):
        if way == "!":
            with pytest.raises(Contradiction):
                steps(known, reported)
        else:
            assert steps(known, reported) == way.split(), (known, reported)
