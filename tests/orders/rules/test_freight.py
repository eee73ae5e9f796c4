"""What delivery costs: province, weight, threshold."""

import pytest

from orders.rules.freight import FreightRule, freight_minor, region_of, rule_for
from orders.rules.offers import PriceRequest
from orders.rules.pricing import price_cart
from tests.cast import NOON
from tests.orders.shop import Off, line

NEAR = FreightRule(600, provinces=("上海市", "江苏"), name="near")
FAR = FreightRule(2500, provinces=("西藏自治区", "新疆"), name="far")
ELSEWHERE = FreightRule(1000, name="elsewhere")


@pytest.mark.parametrize(
    ("province", "name"),
    [
        ("上海", "near"),
        ("上海市", "near"),
        (" 江苏省 ", "near"),
        ("西藏", "far"),
        ("新疆维吾尔自治区", "far"),
        ("广东省", "elsewhere"),
        ("", "elsewhere"),
    ],
)
def test_the_rule_of_a_province_or_the_one_for_everywhere_else(province, name):
    assert rule_for([ELSEWHERE, NEAR, FAR], province).name == name


def test_of_two_that_fit_the_first_counts_and_none_may_fit():
    better = FreightRule(0, provinces=("上海",), name="better")
    assert rule_for([better, NEAR], "上海").name == "better"
    assert rule_for([NEAR], "广东") is None
    assert rule_for([], "上海") is None


@pytest.mark.parametrize("name", ["省", "市", "自治区", ""])
def test_an_ending_alone_is_a_name(name):
    assert region_of(name) == name


@pytest.mark.parametrize(
    ("grams", "fee"),
    [(0, 1000), (1000, 1000), (1001, 1200), (1500, 1200), (1501, 1400), (9999, 4600)],
)
def test_each_further_weight_begun_costs_its_fee(grams, fee):
    rule = FreightRule(1000, first_grams=1000, step_grams=500, step_minor=200)
    assert freight_minor(rule, goods_minor=1, has_goods=True, grams=grams) == fee
    flat = FreightRule(1000)
    assert freight_minor(flat, goods_minor=1, has_goods=True, grams=grams) == 1000


def test_the_quote_weighs_what_is_delivered_and_says_what_is_missing():
    rule = FreightRule(
        1000, 9900, first_grams=500, step_grams=500, step_minor=300, name="near"
    )
    lines = (
        line(1, 4000, 2, weight_grams=400),
        line(2, 5000, kind="gift_card", weight_grams=5000),
    )
    asked = PriceRequest(lines=lines, currency="CNY", now=NOON)
    quote = price_cart(asked, [Off("a", 100)], freight=rule)
    assert (quote.freight_minor, quote.free_missing_minor) == (1300, 2000)
    assert quote.trace[-1] == {
        "stage": "freight",
        "rule": "near",
        "basis_minor": 7900,
        "grams": 800,
        "fee_minor": 1300,
        "missing_minor": 2000,
    }


def test_nothing_is_missing_where_it_is_free_or_never_will_be():
    asked = PriceRequest(lines=(line(1, 9900),), currency="CNY", now=NOON)
    assert (
        price_cart(asked, [], freight=FreightRule(1000, 9900)).free_missing_minor
        is None
    )
    assert price_cart(asked, [], freight=FreightRule(1000)).free_missing_minor is None
