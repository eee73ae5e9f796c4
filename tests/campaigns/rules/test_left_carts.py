"""Carts that were left, priced twice by the function of checkouts."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules.backtesting import Tried
from campaigns.rules.conditions import NOBODY
from campaigns.rules.left_carts import CartOutcome, CartTotals, LeftCart, replay_cart
from campaigns.rules.promotions import SpendAndSave
from campaigns.rules.recipes_making import Meta, offer_of
from campaigns.rules.recipes_reading import read
from orders.rules.freight import FreightRule
from orders.rules.offers import PriceRequest
from tests.cast import NOON
from tests.orders.shop import line

DAY = date(2026, 11, 21)


def cart(*prices: int, offers=(), freight: int = 0) -> LeftCart:
    lines = tuple(line(at, price) for at, price in enumerate(prices, start=1))
    return LeftCart(
        day=DAY,
        request=PriceRequest(lines=lines, currency="CNY", now=NOON),
        facts=NOBODY,
        offers=tuple(offers),
        freight=FreightRule(freight, None),
    )


def ladder(threshold: int, off: int, *, source_id: str = "prm_new") -> SpendAndSave:
    return SpendAndSave(source_id, source_id, ((threshold, off),))


def made(kind: str, gives, **parts):
    recipe = read(kind, {"gives": gives, **parts})
    return offer_of(recipe, Meta("prm_new", "new"))


@pytest.mark.parametrize(
    ("spend", "less", "missing"),
    [
        (10_000, 1_000, 0),
        (9_999, 0, 1),
        (8_000, 0, 2_000),
        (7_999, 0, 0),  # more than a fifth is missing
        (1, 0, 0),
    ],
)
@pytest.mark.parametrize(
    "offer",
    [
        ladder(10_000, 1_000),
        made(
            "amount",
            {"off_minor": 1_000, "per": "order"},
            when={"least_spend_minor": 10_000},
        ),
    ],
    ids=["spend and save", "a least spend"],
)
def test_a_cart_reaches_the_threshold_or_misses_it_by_little_or_by_much(
    offer, spend, less, missing
):
    outcome = replay_cart(cart(spend), Tried(offer))
    assert (outcome.less_minor, outcome.missing_minor) == (less, missing)
    assert outcome.applies == (less > 0)


def test_what_is_live_today_is_its_baseline_and_goes_on_beside_it():
    live = ladder(5_000, 500, source_id="prm_live")
    outcome = replay_cart(cart(10_000, offers=[live]), Tried(ladder(5_000, 700)))
    assert (outcome.before_minor, outcome.after_minor) == (9_500, 8_800)


def test_a_change_takes_the_place_of_what_is_live():
    live = ladder(5_000, 500)
    outcome = replay_cart(cart(10_000, offers=[live]), Tried(ladder(5_000, 300)))
    assert (outcome.less_minor, outcome.applies) == (-200, True)


def test_delivery_is_part_of_the_price():
    free = made("free_freight", {})
    outcome = replay_cart(cart(10_000, freight=800), Tried(free))
    assert (outcome.before_minor, outcome.less_minor) == (10_800, 800)


def test_a_missing_number_of_units_is_no_near_miss():
    offer = made("percent", {"percent_bp": 1_000}, when={"least_units": 2})
    outcome = replay_cart(cart(10_000), Tried(offer))
    assert (outcome.applies, outcome.missing_minor) == (False, 0)


outcomes = st.builds(
    CartOutcome,
    day=st.dates(date(2026, 11, 1), date(2026, 11, 3)),
    before_minor=st.integers(0, 10_000),
    after_minor=st.integers(0, 10_000),
    applies=st.booleans(),
    missing_minor=st.integers(0, 100),
)


@given(st.lists(outcomes, max_size=20), st.integers(0, 20))
def test_totals_add_up_and_may_be_kept_in_between(found, place):
    totals, whole = CartTotals(), CartTotals()
    for number, each in enumerate(found):
        if number == place:
            totals = CartTotals.of(totals.as_json())
        totals.add(each)
        whole.add(replace(each))
    assert totals == whole
    assert totals.carts == len(found) == sum(totals.saved)
    assert totals.carts - totals.saved[0] == totals.lower
    before = sum(each.before_minor for each in found)
    after = sum(each.after_minor for each in found)
    assert before - after == totals.lower_minor - totals.dearer_minor
    by_day = [sum(column) for column in zip(*totals.days.values(), strict=True)]
    sums = [totals.carts, totals.lower, totals.lower_minor, totals.near]
    assert by_day == (sums if found else [])
