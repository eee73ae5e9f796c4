"""A flash price of so many units: some of a line get it, the others are open (S2)."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.rules.benefits import Amount, BuyGet, Percent, SetPrice, UnitPrice
from campaigns.rules.conditions import Every, Facts, Quantity, Worth
from campaigns.rules.needs import needs_of
from campaigns.rules.promotions import Promotion
from campaigns.rules.scopes import ALL, Scope
from campaigns.stored_offers import promotion_of_terms
from orders.rules.offers import PriceRequest, Refused, Stage
from orders.rules.pricing import price_cart
from orders.rules.repricing import StoredOffer, reprice_loss
from tests.cast import NOON
from tests.orders.shop import Off, line

HALF = Percent(Fraction(1, 2))


def flash(left, price_minor=100, source_id="flash", **fields):
    """Return a flash price of 1.00 for so many units."""
    usual = {
        "stage": Stage.PRICE,
        "closes": True,
        "exclusive_group": "unit_price",
        "group_scope": "line",
    }
    benefit = UnitPrice(price_minor)
    return Promotion(source_id, source_id, benefit, units_left=left, **(usual | fields))


def offer(benefit, source_id="other", **fields):
    return Promotion(source_id, source_id, benefit, **fields)


def priced(*offers, lines):
    asked = PriceRequest(lines=tuple(lines), currency="CNY", now=NOON)
    return price_cart(asked, offers)


def units(quote):
    return [each.unit_nets for each in quote.lines]


TEA = line(1, 1_000, 5)


@pytest.mark.parametrize(
    ("_case", "left", "lines", "nets", "taken"),
    [
        ("fewer than asked", 3, [TEA], [(1000, 1000, 100, 100, 100)], 3),
        ("the very last", 1, [TEA], [(1000, 1000, 1000, 1000, 100)], 1),
        ("just enough", 5, [TEA], [(100,) * 5], 5),
        ("plenty", 99, [TEA], [(100,) * 5], 5),
        (
            "the dearest first",
            3,
            [line(1, 1_000, 2), line(2, 2_000, 2)],
            [(1000, 100), (100, 100)],
            3,
        ),
        (
            "of equals the first line",
            1,
            [line(1, 1_000), line(2, 1_000)],
            [(100,), (1000,)],
            1,
        ),
        (
            "what is cheaper counts nothing",
            2,
            [line(1, 90, 5), line(2, 1_000, 3)],
            [(90,) * 5, (1000, 100, 100)],
            2,
        ),
    ],
)
def test_s2_s21_so_many_units_get_the_flash_price(_case, left, lines, nets, taken):
    quote = priced(flash(left), lines=lines)
    assert units(quote) == nets
    (applied,) = quote.applied
    assert (applied.units, applied.units_left) == (taken, left)
    assert quote.total_minor == sum(map(sum, nets))
    (entry,) = [each for each in quote.trace if each.get("id") == "flash"]
    assert (entry["result"], entry["units"], entry["left"]) == ("applied", taken, left)


def test_s25_without_any_left_the_refusal_says_so():
    quote = priced(flash(0), lines=[TEA])
    assert quote.total_minor == 5_000
    (refused,) = quote.refused
    assert refused.why == Refused("no_units_left", {"left": 0})


@pytest.mark.parametrize(
    ("_case", "other", "nets"),
    [
        ("half of the open ones", offer(HALF), (500, 500, 100, 100, 100)),
        (
            "an amount each",
            offer(Amount(300, "unit")),
            (700, 700, 100, 100, 100),
        ),
        (
            "an amount of the order",
            offer(Amount(501, "order"), stage=Stage.ORDER),
            (750, 749, 100, 100, 100),
        ),
        (
            "no more than the open ones are worth",
            Off("coupon", 4_000, stage=Stage.COUPON),
            (0, 0, 100, 100, 100),
        ),
        (
            "a threshold looks at the open ones",
            offer(HALF, conditions=Every((Worth(2_001),))),
            (1000, 1000, 100, 100, 100),
        ),
        (
            "and is reached by them",
            offer(HALF, conditions=Every((Worth(2_000), Quantity(2)))),
            (500, 500, 100, 100, 100),
        ),
        (
            "so does a number of pieces",
            offer(HALF, conditions=Every((Quantity(3),))),
            (1000, 1000, 100, 100, 100),
        ),
        (
            "sets are made of them",
            offer(BuyGet(1, 1, ALL, ALL)),
            (0, 1000, 100, 100, 100),
        ),
        (
            "points pay for all of it",
            Off("points", 1_150, stage=Stage.POINTS, points=10),
            (500, 500, 50, 50, 50),
        ),
        (
            "another price for the rest",
            flash(1, 400, "second", priority=-1, exclusive_group=""),
            (1000, 400, 100, 100, 100),
        ),
        (
            "another price for all of the rest",
            flash(9, 400, "second", priority=-1, exclusive_group=""),
            (400, 400, 100, 100, 100),
        ),
    ],
)
def test_s2_the_other_units_of_the_line_stay_open(_case, other, nets):
    assert units(priced(flash(3), other, lines=[TEA])) == [nets]


def test_s4_one_price_a_line_is_the_one_that_saves_most():
    """A tenth off five is more than one at 1.00 where they cost little more."""
    members = offer(HALF, stage=Stage.PRICE, exclusive_group="unit_price")
    members = replace(members, group_scope="line")
    quote = priced(flash(1), members, lines=[TEA])
    assert units(quote) == [(500,) * 5]
    assert [each.why.code for each in quote.skipped] == ["exclusive_group"]


def test_s12_a_floor_holds_for_closed_and_open_units():
    tea = line(1, 1_000, 4, floor_minor=300)
    quote = priced(flash(1), Off("coupon", 9_999, stage=Stage.COUPON), lines=[tea])
    assert units(quote) == [(300, 300, 300, 300)]


def test_s21_a_budget_is_shared_over_the_units_that_get_it():
    short = flash(2, budget_minor=1_000, budget_id=1)
    assert units(priced(short, lines=[TEA])) == [(1000, 1000, 1000, 500, 500)]


def test_what_is_left_is_told_like_a_budget():
    asked = flash(0)
    assert needs_of(asked).limited == {"flash"}
    assert needs_of(flash(None)) is None
    assert asked.told(Facts(units_left={"flash": 7})).units_left == 7
    assert asked.told(Facts(units_left={"flash": -1})).units_left == 0
    assert asked.told(Facts()) is asked


@pytest.mark.parametrize(("kept", "loss"), [(5, 0), (4, 0), (3, 0), (1, 0)])
def test_r6_what_is_kept_has_as_many_units_at_the_price_as_that_day(kept, loss):
    gives = {"kind": "flash_price", "recipe": {"gives": {"price_minor": 100}}}
    (applied,) = priced(flash(3, recipe=gives), lines=[TEA]).applied
    assert applied.terms["units_left"] == 3
    stored = StoredOffer(
        stage=Stage.PRICE,
        source_kind="promotion",
        source_id="flash",
        name="flash",
        terms=applied.terms,
        is_repriced=True,
        shares=dict(applied.shares),
    )
    again = promotion_of_terms(stored)
    assert units(priced(again, lines=[TEA])) == [(1000, 1000, 100, 100, 100)]
    net = 2_300 * kept // 5
    assert reprice_loss([TEA], {1: kept}, [again], kept_net_minor=net, at=NOON) == loss


# --- Any of them -----------------------------------------------------------------

SCOPES = st.sampled_from([ALL, ALL, Scope(needs=(frozenset({"sku:SKU1"}),))])
BENEFITS = st.one_of(
    st.builds(Percent, st.fractions(0, 1, max_denominator=100)),
    st.builds(Amount, st.integers(0, 3_000), st.sampled_from(["order", "unit"])),
    st.builds(SetPrice, st.integers(0, 2_000), st.integers(1, 3)),
    st.builds(BuyGet, st.integers(1, 2), st.integers(1, 2), SCOPES, SCOPES),
)
OTHERS = st.lists(
    st.builds(
        offer,
        BENEFITS,
        st.text("abcdef", min_size=1, max_size=2),
        scope=SCOPES,
        stage=st.sampled_from([Stage.ITEM, Stage.ORDER, Stage.COUPON]),
        conditions=st.sampled_from(
            [Every(), Every((Quantity(2),)), Every((Worth(900),))]
        ),
        exclusive_group=st.sampled_from(["", "g"]),
        cap_minor=st.one_of(st.none(), st.integers(1, 900)),
    ),
    max_size=4,
    unique_by=lambda each: each.source_id,
)
CARTS = st.lists(
    st.tuples(st.integers(0, 1_500), st.integers(1, 5)), min_size=1, max_size=3
)


def cart_of(drawn):
    return [line(at, price, count) for at, (price, count) in enumerate(drawn, start=1)]


@settings(max_examples=200, deadline=None)
@given(OTHERS, CARTS, st.integers(0, 12), st.integers(0, 900))
def test_s2_a_line_closed_in_part_costs_what_its_parts_would(
    others, cart, left, price_minor
):
    """The oracle: the same cart, its units at the flash price on lines of their own.

    Without caps: the last cent of one goes by units here and by lines there.
    """
    others = [replace(each, cap_minor=None) for each in others]
    lines = cart_of(cart)
    quote = priced(flash(left, price_minor), *others, lines=lines)
    limited = [each for each in quote.applied if each.source_id == "flash"]
    assert sum(each.units for each in limited) <= left
    dear = sum(e.quantity for e in lines if e.unit_price_minor > price_minor)
    assert sum(each.units for each in limited) == min(left, dear), "all that are there"
    for each in quote.lines:
        shares = sum(minor for _a, minor, _p in quote.shares_of(each.line.position))
        assert shares == each.discount_minor, "X8"
        assert sum(each.unit_nets) == each.net_minor, "S11"
    apart, count = [], left
    in_order = sorted(lines, key=lambda each: -each.unit_price_minor)
    for each in in_order:
        some = min(count, each.quantity) if each.unit_price_minor > price_minor else 0
        count -= some
        if some < each.quantity:
            apart.append(replace(each, quantity=each.quantity - some))
        if some:
            closed = each.at_agreed_price(price_minor, kind="flash")
            at = 10 + each.position
            apart.append(replace(closed, position=at, quantity=some))
    # A cent that fits either of two lines goes to the earlier one, here as there.
    apart.sort(key=lambda each: each.position)
    assert quote.total_minor == priced(*others, lines=apart).total_minor


@settings(max_examples=100, deadline=None)
@given(CARTS, st.lists(st.integers(0, 6), min_size=2, max_size=3), st.integers(0, 900))
def test_s21_several_limited_prices_never_give_more_than_each_has(
    cart, lefts, points_minor
):
    offers = [
        flash(left, 100 * at, f"f{at}", exclusive_group="", priority=-at)
        for at, left in enumerate(lefts, start=1)
    ]
    points = Off("points", points_minor, stage=Stage.POINTS)
    quote = priced(*offers, points, lines=cart_of(cart))
    taken = {each.source_id: each.units for each in quote.applied}
    for at, left in enumerate(lefts, start=1):
        assert taken.get(f"f{at}", 0) <= left
    for each in quote.lines:
        assert sum(each.unit_nets) == each.net_minor >= 0
        assert each.discount_minor == sum(
            minor for _a, minor, _p in quote.shares_of(each.line.position)
        )
