"""Promotions by the shop's own rules, through the one pricing function."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.rules.benefits import (
    WHOLE,
    Amount,
    BuyGet,
    FixedPrice,
    FreeItem,
    Percent,
    QuantityGroup,
    SetPrice,
)
from campaigns.rules.conditions import Every, Facts, Quantity, Worth
from campaigns.rules.coupons import CouponOffer, Terms
from campaigns.rules.policies import SHOP, WIRE
from campaigns.rules.promotions import Promotion
from campaigns.rules.scopes import ALL, Scope, delivery
from campaigns.rules.selections import Selection
from orders.rules.freight import FreightRule
from orders.rules.lines import ON_SALE
from orders.rules.offers import Gift, PriceRequest, Refused, Stage
from orders.rules.pricing import price_cart
from orders.rules.unit_prices import PriceOption
from tests.cast import NOON
from tests.orders.shop import line

MUG, PEN = Gift("MUG", 1, listed_minor=900), Gift("PEN", 1, listed_minor=200)
HALF = Fraction(1, 2)
ONE = line(1, 1000)


def promotion(benefit, source_id="p", **fields):
    return Promotion(source_id, source_id, benefit, **fields)


def priced(*offers, lines=(ONE,), **more):
    asked = PriceRequest(lines=tuple(lines), currency="CNY", now=NOON)
    return price_cart(asked, offers, **more)


def of(*skus):
    return Scope(needs=(frozenset(f"sku:{sku}" for sku in skus),))


def taken(quote):
    return {a.source_id: dict(a.shares) for a in quote.applied}


def why(quote):
    return {each.source_id: each.why for each in (*quote.refused, *quote.skipped)}


def test_s7_two_thresholds_of_a_stage_look_at_the_same_amount():
    first = promotion(Amount(300, "order"), "first", is_whole=True, rank=1)
    second = promotion(
        Amount(100, "order"), "second", rank=2, conditions=Every((Worth(1000),))
    )
    assert taken(priced(first, second)) == {"first": {1: 300}, "second": {1: 100}}


def test_s9_a_percentage_is_rounded_once_on_its_total():
    lines = [line(at, 15) for at in (1, 2, 3)]
    tenth = promotion(Percent(Fraction(1, 10)))
    assert taken(priced(tenth, lines=lines)) == {"p": {1: 2, 2: 2, 3: 1}}
    by_line = replace(tenth, policies=WIRE)
    assert taken(priced(by_line, lines=lines)) == {"p": {1: 2, 2: 2, 3: 2}}


def test_s10_s12_what_a_floor_refuses_moves_to_the_others():
    lines = [line(1, 1000, floor_minor=900), line(2, 1000)]
    half = promotion(Percent(HALF), is_whole=True)
    quote = priced(half, lines=lines)
    assert taken(quote) == {"p": {1: 100, 2: 900}}
    assert quote.trace[-1]["floors"] == {"minimum_price": [1]}


def test_s15_the_cheapest_units_are_free_and_serve_one_offer_of_sets():
    lines = [line(1, 1000, 2), line(2, 800)]
    sets = [promotion(BuyGet(2, 1, ALL, ALL), name) for name in ("a", "b")]
    quote = priced(*sets, lines=lines)
    assert taken(quote) == {"a": {2: 800}}
    assert why(quote)["b"] == Refused("set_not_complete")
    assert quote.lines[0].unit_nets == (1000, 1000)


def test_s15_the_unit_that_is_free_is_known_to_who_sends_it_back():
    quote = priced(promotion(BuyGet(2, 1, ALL, ALL)), lines=[line(1, 1000, 3)])
    assert sorted(quote.lines[0].unit_nets) == [0, 1000, 1000]
    after = promotion(Percent(HALF), "half", stage=Stage.ORDER)
    both = priced(promotion(BuyGet(2, 1, ALL, ALL)), after, lines=[line(1, 1000, 3)])
    assert sorted(both.lines[0].unit_nets) == [0, 500, 500]


@pytest.mark.parametrize(
    ("_case", "stock", "brings"),
    [
        ("plenty", {}, ["MUG"]),
        ("enough", {"MUG": 1}, ["MUG"]),
        ("the substitute", {"MUG": 0}, ["PEN"]),
        ("none", {"MUG": 0, "PEN": 0}, []),
    ],
)
def test_s17_a_gift_out_of_stock_is_replaced_or_none(_case, stock, brings):
    gift = promotion(FreeItem((MUG, PEN)), stage=Stage.ORDER)
    quote = priced(gift.told(Facts(stock=stock)))
    assert [gift.sku for _applied, gift in quote.gifts] == brings
    assert quote.total_minor == 1000
    if not brings:
        assert why(quote) == {"p": Refused("gift_out_of_stock")}


def test_s16_gifts_count_for_no_threshold():
    gift = promotion(FreeItem((MUG,)), stage=Stage.ITEM)
    next_stage = promotion(
        Amount(1, "order"), "q", stage=Stage.ORDER, conditions=Every((Worth(1001),))
    )
    assert why(priced(gift, next_stage))["q"].params == {"missing_minor": 1}


def test_s18_a_bundle_is_allocated_by_list_price_and_a_unit_serves_one():
    lines = [line(1, 3000), line(2, 1000, 2)]
    bundle = promotion(SetPrice(3200, 2, parts=((of("SKU1"), 1), (of("SKU2"), 1))))
    again = replace(bundle, source_id="q")
    quote = priced(bundle, again, lines=lines)
    assert taken(quote) == {"p": {1: 600, 2: 200}}
    assert sorted(quote.lines[1].unit_nets) == [800, 1000]


@pytest.mark.parametrize(
    ("sales", "price", "paid"),
    [
        (
            (1_000, None),
            6_000,
            [1_000, 5_000],
        ),  # 3,000 of it would be dearer than it is.
        ((5_000, None), 9_000, [4_500, 4_500]),
        ((None, None), 9_001, [4_501, 4_500]),
        ((1_000, 2_000), 6_000, [1_000, 2_000]),  # Apart they cost less.
    ],
)
def test_s18_an_article_on_sale_takes_its_part_by_list_price(sales, price, paid):
    lines = [on_sale(1, 10_000, sales[0]), on_sale(2, 10_000, sales[1])]
    quote = priced(promotion(SetPrice(price, 2)), lines=lines)
    assert [each.net_minor for each in quote.lines] == paid


def on_sale(position, list_minor, sale_minor):
    prices = () if sale_minor is None else (PriceOption("sale", "", sale_minor),)
    return line(position, list_minor, prices=prices)


@given(
    st.lists(
        st.tuples(st.integers(1, 10_000), st.none() | st.integers(0, 10_000)),
        min_size=2,
        max_size=4,
    ),
    st.integers(0, 30_000),
)
def test_s18_a_bundle_costs_its_price_or_what_it_costs_without(goods, price):
    lines = [
        on_sale(place, each, None if sale is None else min(sale, each))
        for place, (each, sale) in enumerate(goods, 1)
    ]
    alone = priced(lines=lines).total_minor
    quote = priced(promotion(SetPrice(price, len(lines))), lines=lines)
    assert quote.total_minor == min(price, alone)


def test_s19_half_of_the_freight():
    half = promotion(Percent(HALF), stage=Stage.FREIGHT, scope=delivery())
    quote = priced(half, freight=FreightRule(fee_minor=1001))
    assert (quote.freight_minor, quote.freight_discount_minor) == (500, 501)
    assert quote.discount_minor == 0


def test_s21_a_budget_binds_an_automatic_offer():
    half = promotion(Percent(HALF), budget_minor=300)
    assert taken(priced(half)) == {"p": {1: 300}}
    spent = replace(half, budget_minor=0)
    assert why(priced(spent)) == {"p": Refused("budget_exceeded")}
    whole = replace(half, policies=replace(SHOP, budget_overrun="reject_whole"))
    assert why(priced(whole)) == {"p": Refused("budget_exceeded")}


def coupon(name="c", **terms):
    return CouponOffer(name, name, Terms(**{"kind": "amount", **terms}))


def test_c13_c14_a_coupon_compares_with_what_orders_left_and_not_with_itself():
    order = promotion(Amount(100, "order"), stage=Stage.ORDER)
    reached = coupon(amount_minor=500, min_spend_minor=900)
    assert taken(priced(order, reached)) == {"p": {1: 100}, "c": {1: 500}}
    missed = coupon(amount_minor=500, min_spend_minor=901)
    assert why(priced(order, missed))["c"].params == {"missing_minor": 1}


def test_c15_what_a_fixed_coupon_is_worth_beyond_the_goods_is_lost():
    quote = priced(coupon(amount_minor=5000), freight=FreightRule(fee_minor=800))
    assert (quote.discount_minor, quote.total_minor) == (1000, 800)


def test_c16_a_percent_coupon_rounds_once_then_caps_then_allocates():
    lines = [line(1, 333), line(2, 333), line(3, 333)]
    twenty = coupon(kind="percent", percent_bp=2000)
    assert taken(priced(twenty, lines=lines)) == {"c": {1: 67, 2: 67, 3: 66}}
    capped = coupon(kind="percent", percent_bp=2000, cap_minor=100)
    assert taken(priced(capped, lines=lines)) == {"c": {1: 34, 2: 33, 3: 33}}


def test_c17_neither_benefit_nor_threshold_looks_at_what_is_on_sale():
    lines = [line(1, 800, list_price_minor=1000), line(2, 1000)]
    full_price = Scope(avoids=frozenset({ON_SALE}))
    tenth = promotion(Percent(Fraction(1, 10)), scope=full_price)
    assert taken(priced(tenth, lines=lines)) == {"p": {2: 100}}
    wants = replace(tenth, conditions=Every((Worth(1001, scope=full_price),)))
    assert why(priced(wants, lines=lines))["p"].params == {"missing_minor": 1}


def test_c18_s20_a_benefit_without_effect_is_refused():
    assert why(priced(promotion(FixedPrice(1000)))) == {"p": Refused("no_effect")}


def test_s2_a_line_at_a_flash_price_is_closed_to_promotions():
    lines = [line(1, 1000, is_closed=True), line(2, 1000)]
    half = promotion(Percent(HALF))
    assert taken(priced(half, lines=lines)) == {"p": {2: 500}}


def test_an_offer_on_prices_is_what_later_offers_call_the_price():
    lower = promotion(Amount(200, "unit"), "lower", stage=Stage.PRICE)
    policies = replace(SHOP, discount_base="overridden_price")
    tenth = promotion(Percent(Fraction(1, 10)), "tenth", policies=policies)
    first = promotion(Amount(300, "order"), "first", priority=1)
    quote = priced(lower, tenth, first)
    assert taken(quote) == {"lower": {1: 200}, "first": {1: 300}, "tenth": {1: 80}}


scopes = st.sampled_from([ALL, of("SKU1"), of("SKU2", "SKU3")])
selections = st.builds(
    Selection,
    most_units=st.one_of(st.none(), st.integers(1, 3)),
    most_per_line=st.one_of(st.none(), st.integers(1, 2)),
    group_size=st.sampled_from([0, 0, 2, 3]),
    per_group=st.just(1),
    dearest_first=st.booleans(),
)
benefits = st.one_of(
    st.builds(Percent, st.fractions(0, 1)),
    st.builds(
        Amount,
        st.integers(0, 1500),
        st.sampled_from(["order", "line", "unit", "application"]),
    ),
    st.builds(FixedPrice, st.integers(0, 3000)),
    st.builds(SetPrice, st.integers(0, 2000), st.integers(1, 3)),
    st.builds(
        BuyGet, st.integers(0, 2), st.integers(1, 2), scopes, scopes, st.just(WHOLE)
    ),
    st.builds(QuantityGroup, st.integers(1, 3), st.integers(0, 900)),
)
policies = st.builds(
    replace,
    st.sampled_from([SHOP, WIRE]),
    rounding_mode=st.sampled_from(["half_up", "down", "half_down"]),
    rounding_level=st.sampled_from(["unit", "line", "order", "target"]),
    allocation_remainder=st.sampled_from(
        ["largest_remainder", "last_line", "first_units"]
    ),
    group_formation=st.sampled_from(["cheapest_of_all", "consecutive", "round_robin"]),
    stacking=st.sampled_from(["sequential", "additive_on_original"]),
    units_consumption=st.sampled_from(
        ["shared_between_promotions", "each_unit_counts_for_one_promotion"]
    ),
)
promotions = st.lists(
    st.builds(
        promotion,
        benefits,
        st.text("abcdef", min_size=1, max_size=2),
        scope=scopes,
        selection=selections,
        policies=policies,
        is_whole=st.booleans(),
        cap_minor=st.one_of(st.none(), st.integers(0, 900)),
        stage=st.sampled_from([Stage.PRICE, Stage.ITEM, Stage.ORDER, Stage.COUPON]),
        conditions=st.sampled_from(
            [Every(), Every((Quantity(2),)), Every((Worth(900),))]
        ),
        exclusive_group=st.sampled_from(["", "", "g"]),
        group_scope=st.sampled_from(["order", "line"]),
        is_alone=st.sampled_from([False, False, False, True]),
    ),
    max_size=5,
    unique_by=lambda each: each.source_id,
)
carts = st.lists(
    st.tuples(st.integers(0, 1500), st.integers(1, 4), st.sampled_from([0, 0, 300])),
    min_size=1,
    max_size=3,
)


@settings(max_examples=200, deadline=None)
@given(promotions, carts)
def test_x7_x8_whatever_is_offered_sums_add_up(offers, cart):
    lines = [
        line(at, price, quantity, floor_minor=floor)
        for at, (price, quantity, floor) in enumerate(cart, start=1)
    ]
    quote = priced(*offers, lines=lines)
    for each in quote.lines:
        shares = sum(minor for _a, minor, _p in quote.shares_of(each.line.position))
        assert shares == each.discount_minor >= 0
        floor = min(each.line.floor_minor * each.line.quantity, each.line.gross_minor)
        assert each.net_minor >= floor, "S12"
        assert sum(each.unit_nets) == each.net_minor, "S11"
        assert min(each.unit_nets) >= 0
        assert max(each.unit_nets) <= each.line.unit_price_minor
    for applied in quote.applied:
        assert sum(m for _at, m in applied.shares) == applied.amount_minor > 0
    named = [*quote.applied, *quote.refused, *quote.skipped]
    assert sorted(e.source_id for e in named) == sorted(o.source_id for o in offers)
