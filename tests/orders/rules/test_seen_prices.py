"""What is different from the price a buyer saw last (S23)."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.rules.pricing import price_cart
from orders.rules.seen_prices import Change, changes_since, seen_price
from tests.orders.rules.test_pricing import request
from tests.orders.shop import Off, line

PROMO = ("promotion", "prm_a")


def seen(**fields):
    """A cart of two teas at 10.00, with an offer that takes 1.00 off."""
    usual = {
        "lines": {"TEA": ["Tea", 2, 1_000, True]},
        "offers": [[*PROMO, "Spring", 100]],
        "asked": {"coupon": [], "points": 0},
        "to": "上海",
        "freight": 600,
    }
    return usual | fields


TEA = {"TEA": ["Tea", 2, 1_000, True]}
COUPON = ["coupon", "cpn_a", "Five", 500]


@pytest.mark.parametrize(
    ("_case", "before", "now", "changes"),
    [
        ("nothing was shown before", {}, seen(), []),
        ("nothing changed", seen(), seen(), []),
        (
            "an offer ended",
            seen(),
            seen(offers=[]),
            [Change("offer_gone", "Spring", source=PROMO, was_minor=100)],
        ),
        (
            "an offer came",
            seen(offers=[]),
            seen(),
            [Change("offer_came", "Spring", source=PROMO, is_minor=100)],
        ),
        (
            "an offer takes another amount",
            seen(),
            seen(offers=[[*PROMO, "Spring", 150]]),
            [Change("offer_changed", "Spring", "", PROMO, 100, 150)],
        ),
        (
            "an offer was renamed",
            seen(),
            seen(offers=[[*PROMO, "Summer", 100]]),
            [],
        ),
        (
            "the amount follows from other units",
            seen(),
            seen(lines={"TEA": ["Tea", 3, 1_000, True]}, offers=[[*PROMO, "x", 150]]),
            [],
        ),
        (
            "a price rose",
            seen(),
            seen(lines={"TEA": ["Tea", 2, 1_200, True]}),
            [Change("price_changed", "Tea", "TEA", None, 1_000, 1_200)],
        ),
        (
            "a price fell while the buyer took more",
            seen(),
            seen(lines={"TEA": ["Tea", 5, 900, True]}),
            [Change("price_changed", "Tea", "TEA", None, 1_000, 900)],
        ),
        (
            "it can no longer be bought",
            seen(),
            seen(lines={"TEA": ["Tea", 2, 1_000, False]}),
            [Change("unavailable", "Tea", "TEA")],
        ),
        (
            "the buyer wants more than there is",
            seen(),
            seen(lines={"TEA": ["Tea", 9, 1_000, False]}),
            [],
        ),
        (
            "it can be bought again",
            seen(lines={"TEA": ["Tea", 2, 1_000, False]}),
            seen(),
            [],
        ),
        (
            "an article joined and one left",
            seen(),
            seen(lines={"CUP": ["Cup", 1, 500, True]}),
            [],
        ),
        (
            "a coupon was put in",
            seen(),
            seen(
                offers=[[*PROMO, "Spring", 100], COUPON],
                asked={"coupon": ["FIVE"], "points": 0},
            ),
            [],
        ),
        (
            "a coupon was taken out while an offer ended",
            seen(
                offers=[[*PROMO, "Spring", 100], COUPON],
                asked={"coupon": ["FIVE"], "points": 0},
            ),
            seen(offers=[]),
            [Change("offer_gone", "Spring", source=PROMO, was_minor=100)],
        ),
        (
            "a coupon expired in the cart",
            seen(offers=[COUPON], asked={"coupon": ["FIVE"], "points": 0}),
            seen(offers=[], asked={"coupon": ["FIVE"], "points": 0}),
            [Change("offer_gone", "Five", "", ("coupon", "cpn_a"), 500)],
        ),
        (
            "delivery costs more",
            seen(),
            seen(freight=900),
            [Change("freight_changed", was_minor=600, is_minor=900)],
        ),
        ("it goes elsewhere", seen(), seen(freight=900, to="西藏"), []),
    ],
)
def test_s23_what_is_different_from_the_price_seen_last(_case, before, now, changes):
    kept = copy.deepcopy(before)
    assert changes_since(before, now) == changes
    assert before == kept


def test_s23_what_was_seen_is_told_by_the_quote():
    quote = price_cart(request(line(1, 1_000, 2, sku="TEA")), [Off("prm_a", 100)])
    told = seen_price(
        quote, available={"TEA": True}, codes=["X"], points=5, province="上海"
    )
    assert told == {
        "lines": {"TEA": ["Thing 1", 2, 1_000, True]},
        "offers": [["promotion", "prm_a", "Offer prm_a", 100]],
        "asked": {"coupon": ["X"], "points": 5},
        "to": "上海",
        "freight": 0,
    }
    assert changes_since(json.loads(json.dumps(told)), told) == []


amounts = st.integers(1, 3)
pictures = st.builds(
    seen,
    lines=st.dictionaries(
        st.sampled_from(["TEA", "CUP"]),
        st.tuples(st.just("x"), amounts, amounts, st.booleans()).map(list),
    ),
    offers=st.lists(
        st.tuples(
            st.sampled_from(["promotion", "coupon"]),
            st.sampled_from("ab"),
            st.just("x"),
            amounts,
        ).map(list),
        unique_by=lambda each: (each[0], each[1]),
    ),
    asked=st.sampled_from(
        [{"coupon": [], "points": 0}, {"coupon": ["X"], "points": 0}]
    ),
    freight=amounts,
)


@given(pictures, pictures)
def test_s23_nothing_is_told_twice_and_nothing_that_stayed(before, now):
    found = changes_since(before, now)
    named = [(each.code, each.source, each.sku) for each in found]
    assert len(set(named)) == len(named)
    assert all(e.was_minor != e.is_minor or e.code == "unavailable" for e in found)
    assert changes_since(now, now) == []
