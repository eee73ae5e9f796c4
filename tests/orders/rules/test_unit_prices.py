"""The first stage: best of list, sale, member and tier price (S1, S24)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.rules.offers import PriceRequest
from orders.rules.pricing import price_cart
from orders.rules.unit_prices import PriceOption, UnitPrice, best_price
from tests.cast import NOON
from tests.orders.shop import line

SALE = PriceOption("sale", "", 900)
MEMBER = PriceOption("member", "member", 850)
GOLD = PriceOption("member", "tier:gold", 800)
VISITOR, GUEST_OF_TIER = frozenset(), frozenset({"member", "tier:gold"})


@pytest.mark.parametrize(
    ("_case", "options", "audiences", "expected"),
    [
        ("no other price", [], VISITOR, UnitPrice(1000, 1000, "list")),
        ("sale for everybody", [SALE], VISITOR, UnitPrice(1000, 900, "sale")),
        ("not for visitors", [MEMBER, GOLD], VISITOR, UnitPrice(1000, 1000, "list")),
        (
            "member price",
            [SALE, MEMBER, GOLD],
            frozenset({"member"}),
            UnitPrice(1000, 850, "member"),
        ),
        (
            "tier price",
            [SALE, MEMBER, GOLD],
            GUEST_OF_TIER,
            UnitPrice(1000, 800, "member"),
        ),
        (
            "another tier",
            [GOLD],
            frozenset({"member", "tier:silver"}),
            UnitPrice(1000, 1000, "list"),
        ),
        (
            "dearer than list",
            [PriceOption("sale", "", 1100)],
            VISITOR,
            UnitPrice(1000, 1000, "list"),
        ),
        (
            "a tie is the price everybody knows",
            [PriceOption("member", "member", 900), SALE],
            GUEST_OF_TIER,
            UnitPrice(1000, 900, "sale"),
        ),
        (
            "the newest list price",
            [PriceOption("list", "", 1200), PriceOption("list", "", 1100), SALE],
            VISITOR,
            UnitPrice(1100, 900, "sale"),
        ),
        (
            "a new list price below the sale",
            [SALE, PriceOption("list", "", 700)],
            VISITOR,
            UnitPrice(700, 700, "list"),
        ),
    ],
)
def test_s1_the_lowest_price_open_to_the_buyer(_case, options, audiences, expected):
    assert best_price(1000, options, audiences) == expected


@given(
    st.integers(0, 10_000),
    st.lists(
        st.builds(
            PriceOption,
            st.sampled_from(["sale", "member"]),
            st.sampled_from(["", "member", "tier:gold"]),
            st.integers(0, 12_000),
        )
    ),
    st.sets(st.sampled_from(["member", "tier:gold"])),
)
def test_more_audiences_never_cost_more_and_order_does_not_matter(
    list_minor, options, audiences
):
    best = best_price(list_minor, options, audiences)
    assert 0 <= best.amount_minor <= best.list_minor == list_minor
    assert best == best_price(list_minor, options[::-1], audiences)
    assert best_price(list_minor, options, set()).amount_minor >= best.amount_minor


def test_s24_a_line_keeps_list_price_and_kind_beside_what_is_paid():
    asked = PriceRequest(
        lines=(line(1, 1000, 3, prices=(SALE, GOLD)), line(2, 500)),
        currency="CNY",
        now=NOON,
        audiences=GUEST_OF_TIER,
    )
    quote = price_cart(asked, [])
    first, second = (each.line for each in quote.lines)
    assert (first.list_price_minor, first.unit_price_minor, first.price_kind) == (
        1000,
        800,
        "member",
    )
    assert (second.list_price_minor, second.price_kind) == (500, "list")
    assert (quote.goods_minor, quote.discount_minor) == (2900, 0)
    assert quote.trace == (
        {
            "stage": "unit_price",
            "position": 1,
            "kind": "member",
            "list_minor": 1000,
            "unit_minor": 800,
        },
    )
