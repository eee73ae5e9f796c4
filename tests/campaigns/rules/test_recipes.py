"""Recipes of promotions: read strictly, written back, made into offers."""

from datetime import datetime, time, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules.conditions import Facts
from campaigns.rules.moments import AtHours
from campaigns.rules.promotions import Promotion, SpendAndSave
from campaigns.rules.recipes import KINDS, BadRecipe, PercentOff
from campaigns.rules.recipes_making import Meta, of_that_day, offer_of
from campaigns.rules.recipes_reading import as_json, read
from orders.rules.freight import FreightRule
from orders.rules.offers import Gift, PriceRequest, Refused, Stage
from orders.rules.pricing import price_cart
from tests.cast import NOON
from tests.orders.shop import line

SHANGHAI = ZoneInfo("Asia/Shanghai")
MUG = Gift("MUG", 1, listed_minor=900, variant_id=9)
#: The least one can say of each kind.
LEAST = {
    "spend_ladder": {"rungs": [[10_000, 1_000], [20_000, 3_000]]},
    "spend_every": {"spend_minor": 10_000, "off_minor": 1_000, "most_times": 3},
    "percent": {"percent_bp": 2_000},
    "amount": {"off_minor": 500},
    "one_price": {"price_minor": 9_900},
    "buy_get": {"buy": 2},
    "nth_item": {},
    "cheapest_free": {},
    "bundle": {"units": 3, "price_minor": 9_900},
    "gift": {"skus": ["MUG"]},
    "free_freight": {},
    "member_price": {"percent_bp": 500},
    "flash_price": {"price_minor": 5_000},
}


def recipe(kind, gives=None, **parts):
    if kind == "member_price":
        parts.setdefault("when", {"audience": ["member"]})
    return read(kind, {"gives": LEAST[kind] if gives is None else gives, **parts})


def made(kind, gives=None, *, meta=None, facts=None, **parts):
    meta = meta or Meta("p", "p", zone=SHANGHAI)
    offer = offer_of(recipe(kind, gives, **parts), meta)
    return offer.told(facts) if facts else offer


def priced(*offers, lines, **more):
    asked = PriceRequest(lines=tuple(lines), currency="CNY", now=NOON)
    return price_cart(asked, offers, **more)


def taken(quote):
    return {a.source_id: a.amount_minor for a in quote.applied}


def why(quote):
    return {each.source_id: each.why for each in (*quote.refused, *quote.skipped)}


# --- Reading ------------------------------------------------------------------------


def test_every_kind_has_a_recipe_here():
    assert set(LEAST) == set(KINDS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_is_written_is_read_again(kind):
    full = recipe(
        kind,
        goods={"categories": [1], "not_skus": ["A"]},
        when={
            "least_spend_minor": 1_000,
            "audience": ["tier:gold"],
            "weekdays": [6, 7],
            "since": "20:00",
            "until": "22:30",
        },
        beside={"cap_minor": 500, "is_alone": True, "forbids": ["prm_x"]},
    )
    assert read(kind, as_json(full)) == full


def test_what_stays_as_usual_is_not_written():
    plain = recipe("percent", when={"least_spend_minor": 0}, goods={})
    assert as_json(plain) == {"gives": {"percent_bp": 2_000}}


@pytest.mark.parametrize(
    ("kind", "given_json", "field", "problem"),
    [
        ("percents", {}, "kind", "not_a_choice"),
        ("percent", [], "recipe", "not_a_list"),
        ("percent", {"gives": {}}, "gives.percent_bp", "missing"),
        ("percent", {"gives": {"percent": 20}}, "gives.percent_bp", "missing"),
        (
            "percent",
            {"gives": {"percent_bp": 1, "x": 1}},
            "gives.x",
            "unknown",
        ),
        ("percent", {"gives": {"percent_bp": 1}, "x": 1}, "x", "unknown"),
        ("percent", {"gives": {"percent_bp": 0}}, "gives.percent_bp", "out_of_range"),
        (
            "percent",
            {"gives": {"percent_bp": 10_001}},
            "gives.percent_bp",
            "out_of_range",
        ),
        ("percent", {"gives": {"percent_bp": 2.5}}, "gives.percent_bp", "not_whole"),
        ("percent", {"gives": {"percent_bp": True}}, "gives.percent_bp", "not_whole"),
        ("amount", {"gives": {"off_minor": "5"}}, "gives.off_minor", "not_whole"),
        (
            "amount",
            {"gives": {"off_minor": 5, "per": "line"}},
            "gives.per",
            "not_a_choice",
        ),
        ("gift", {"gives": {"skus": []}}, "gives.skus", "empty"),
        ("gift", {"gives": {"skus": [""]}}, "gives.skus", "not_text"),
        ("gift", {"gives": {"skus": "MUG"}}, "gives.skus", "not_a_list"),
        ("nth_item", {"gives": {"nth": 1}}, "gives.nth", "out_of_range"),
        ("nth_item", {"gives": {"pays_bp": 10_000}}, "gives.pays_bp", "out_of_range"),
        ("spend_ladder", {"gives": {"rungs": []}}, "gives.rungs", "empty"),
        (
            "spend_every",
            {"gives": {"spend_minor": 100, "off_minor": 101}},
            "gives.off_minor",
            "out_of_range",
        ),
        (
            "member_price",
            {"gives": {"percent_bp": 1}},
            "when.audience",
            "empty",
        ),
        (
            "nth_item",
            {"gives": {}, "when": {"weekdays": [8]}},
            "when.weekdays",
            "out_of_range",
        ),
        (
            "nth_item",
            {"gives": {}, "when": {"since": "25:00"}},
            "when.since",
            "out_of_range",
        ),
        (
            "nth_item",
            {"gives": {}, "when": {"since": "10:00", "until": "10:00"}},
            "when.until",
            "out_of_range",
        ),
        (
            "nth_item",
            {"gives": {}, "goods": {"products": [1] * 501}},
            "goods.products",
            "never_ends",
        ),
    ],
)
def test_a_recipe_nobody_can_mean_names_its_field(kind, given_json, field, problem):
    with pytest.raises(BadRecipe) as refused:
        read(kind, given_json)
    assert (refused.value.field, refused.value.problem) == (field, problem)


steps = st.lists(st.tuples(st.integers(-5, 50), st.integers(-5, 50)), max_size=4)


@given(steps)
def test_s13_a_ladder_is_read_only_if_it_rises_in_both_numbers(rungs):
    rises = bool(rungs) and all(0 < off <= spend for spend, off in rungs)
    rises = rises and all(
        before[0] < after[0] and before[1] < after[1]
        for before, after in zip(rungs, rungs[1:], strict=False)
    )
    given_json = {"gives": {"rungs": [list(each) for each in rungs]}}
    if rises:
        assert read("spend_ladder", given_json).gives.rungs == tuple(rungs)
    else:
        with pytest.raises(BadRecipe):
            read("spend_ladder", given_json)


@pytest.mark.parametrize(
    ("kind", "share_bp"),
    [
        ("spend_ladder", 1_500),
        ("spend_every", 1_000),
        ("percent", 2_000),
        ("buy_get", 3_333),
        ("nth_item", 2_500),
        ("cheapest_free", 3_333),
        ("member_price", 500),
        ("gift", None),
        ("free_freight", 0),
    ],
)
def test_the_share_given_away_is_known_where_a_recipe_names_one(kind, share_bp):
    assert recipe(kind).share_bp == share_bp


# --- Making ---------------------------------------------------------------------------


TWO = [line(1, 10_000, 2), line(2, 4_000)]


@pytest.mark.parametrize(
    ("kind", "off"),
    [
        ("spend_ladder", 3_000),
        ("spend_every", 2_000),
        ("percent", 4_800),
        ("amount", 500),
        ("one_price", 200),
        ("buy_get", 4_000),
        ("nth_item", 2_000),
        ("cheapest_free", 4_000),
        ("bundle", 14_100),
        ("gift", 0),
        ("free_freight", 800),
        ("flash_price", 10_000),
    ],
)
def test_each_kind_takes_what_it_says(kind, off):
    quote = priced(made(kind), lines=TWO, freight=FreightRule(fee_minor=800))
    assert taken(quote) == {"p": off}
    is_gift = kind == "gift"
    assert [gift.sku for _applied, gift in quote.gifts] == ["MUG"] * is_gift


def test_spend_and_save_stays_small_where_it_is_about_everything():
    assert isinstance(made("spend_ladder"), SpendAndSave)
    assert isinstance(made("spend_every"), SpendAndSave)
    assert isinstance(made("spend_ladder", goods={"skus": ["SKU1"]}), Promotion)
    limited = Meta("p", "p", budget_minor=5)
    assert isinstance(made("spend_every", meta=limited), Promotion)


@pytest.mark.parametrize("kind", ["spend_ladder", "spend_every"])
@pytest.mark.parametrize("price", [4_999, 5_000, 5_001, 9_999, 10_000, 12_345, 20_000])
def test_s13_s14_both_forms_of_spend_and_save_take_the_same(kind, price):
    lines = [line(1, price), line(2, price)]
    skus = {"skus": ["SKU1", "SKU2"]}
    small, large = made(kind), made(kind, goods=skus)
    assert type(small) is not type(large)
    shares = [
        [each.shares for each in priced(offer, lines=lines).applied]
        for offer in (small, large)
    ]
    assert shares[0] == shares[1]
    refused = [why(priced(each, lines=lines)) for each in (small, large)]
    assert refused[0] == refused[1]


def test_s14_a_repeating_reduction_over_some_goods():
    every = made("spend_every", goods={"skus": ["SKU1"]})
    assert taken(priced(every, lines=[line(1, 39_900), line(2, 99_900)])) == {"p": 3000}


def test_goods_in_and_out():
    part = made("percent", goods={"skus": ["SKU1", "SKU2"], "not_skus": ["SKU2"]})
    assert taken(priced(part, lines=TWO)) == {"p": 4_000}
    brand = made("percent", goods={"brands": [7]})
    lines = [line(1, 1_000, marks=frozenset({"brand:7"})), line(2, 1_000)]
    assert taken(priced(brand, lines=lines)) == {"p": 200}


def test_conditions_are_about_the_goods_of_the_recipe():
    half = made(
        "percent",
        {"percent_bp": 5_000},
        goods={"skus": ["SKU2"]},
        when={"least_spend_minor": 4_001, "least_units": 1},
    )
    assert why(priced(half, lines=TWO)) == {
        "p": Refused("threshold_not_met", {"missing_minor": 1})
    }
    two = made("percent", goods={"skus": ["SKU2"]}, when={"least_units": 2})
    assert why(priced(two, lines=TWO))["p"] == Refused(
        "quantity_not_met", {"missing": 1}
    )


@pytest.mark.parametrize(
    ("when", "facts", "refused"),
    [
        ({"audience": ["tier:gold"]}, Facts(), "not_for_you"),
        ({"audience": ["tier:gold"]}, Facts(marks=frozenset({"tier:gold"})), None),
        ({"nth_order": 1}, Facts(), "customer_unknown"),
        ({"nth_order": 1}, Facts(is_known=True, orders_before=1), "not_for_this_order"),
        ({"nth_order": 2}, Facts(is_known=True, orders_before=1), None),
        ({"channels": ["app"]}, Facts(channel="web"), "not_in_this_channel"),
        ({"channels": ["app", "web"]}, Facts(channel="web"), None),
        ({"since": "12:00", "until": "14:00"}, Facts(now=NOON), None),
        ({"since": "12:01"}, Facts(now=NOON), "not_at_this_time"),
        ({"weekdays": [1]}, Facts(), "not_at_this_time"),
    ],
)
def test_conditions_on_buyer_and_moment(when, facts, refused):
    offer = made("percent", when=when, facts=facts)
    found = why(priced(offer, lines=TWO)).get("p")
    assert (found and found.code) == refused


@pytest.mark.parametrize(
    ("day", "hour", "holds"),
    [
        (5, "21:59", False),
        (5, "22:00", True),
        (6, "01:59", True),
        (6, "02:00", False),
        (5, "01:00", False),
        (6, "23:00", False),
    ],
)
def test_hours_over_midnight_belong_to_the_day_they_begin(day, hour, holds):
    friday_night = AtHours(
        SHANGHAI,
        frozenset({5}),
        time(22),
        time(2),
    )
    monday = datetime(2026, 6, 1, tzinfo=SHANGHAI)
    hours, minutes = map(int, hour.split(":"))
    at = monday + timedelta(days=day - 1, hours=hours, minutes=minutes)
    assert friday_night.holds_at(at) is holds


def test_s2_a_flash_price_closes_its_lines_and_no_others():
    flash = made("flash_price", goods={"skus": ["SKU1"]}, meta=Meta("flash", "f"))
    tenth = made("percent", {"percent_bp": 1_000})
    quote = priced(flash, tenth, lines=TWO)
    assert taken(quote) == {"flash": 10_000, "p": 400}
    # Too dear to be one: the line stays open.
    dear = made("flash_price", {"price_minor": 20_000}, meta=Meta("flash", "f"))
    assert taken(priced(dear, tenth, lines=TWO)) == {"p": 2_400}


def test_s1_of_two_unit_prices_each_line_has_the_lower():
    facts = Facts(marks=frozenset({"member"}))
    meta = {"exclusive_group": "unit_price"}
    member = made(
        "member_price", {"percent_bp": 3_000}, meta=Meta("m", "m", **meta), facts=facts
    )
    flash = made("flash_price", {"price_minor": 5_000}, meta=Meta("f", "f", **meta))
    quote = priced(member, flash, lines=TWO)
    assert {a.source_id: dict(a.shares) for a in quote.applied} == {
        "m": {2: 1_200},
        "f": {1: 10_000},
    }


def test_s4_s5_alone_and_bans_come_from_the_recipe():
    first = made("percent", beside={"forbids": ["q"]})
    second = made("amount", meta=Meta("q", "q"))
    quote = priced(first, second, lines=TWO)
    assert taken(quote) == {"p": 4_800}
    assert why(quote)["q"].code in {"not_combinable", "better_without"}
    lonely = made("percent", beside={"is_alone": True})
    quote = priced(lonely, second, lines=TWO)
    assert (taken(quote), why(quote)["q"].code) == ({"p": 4_800}, "alone")


def test_s21_a_cap_and_a_budget_bound_what_is_taken():
    capped = made("percent", beside={"cap_minor": 1_000})
    assert taken(priced(capped, lines=TWO)) == {"p": 1_000}
    poor = made("percent", meta=Meta("p", "p", budget_minor=700))
    assert taken(priced(poor, lines=TWO)) == {"p": 700}
    spent = made("spend_ladder", meta=Meta("p", "p", budget_minor=0))
    assert why(priced(spent, lines=TWO)) == {"p": Refused("budget_exceeded")}


def test_c17_what_is_on_sale_can_be_passed_by():
    lines = [line(1, 800, list_price_minor=1_000), line(2, 1_000)]
    full_price = made("percent", beside={"skips_discounted": True})
    assert taken(priced(full_price, lines=lines)) == {"p": 200}


def test_s17_a_gift_that_is_not_to_be_had_is_none():
    gone = made("gift", facts=Facts(stock={"MUG": 0}))
    assert why(priced(gone, lines=TWO)) == {"p": Refused("gift_out_of_stock")}


def test_r6_a_stored_offer_asks_what_was_bought_and_not_who_bought():
    whole = recipe(
        "percent",
        when={"least_spend_minor": 100, "audience": ["tier:gold"], "nth_order": 1},
    )
    assert as_json(of_that_day(whole)) == {
        "gives": {"percent_bp": 2_000},
        "when": {"least_spend_minor": 100},
    }
    terms = offer_of(whole, Meta("p", "p", priority=3)).terms()
    assert terms == {
        "priority": 3,
        "exclusive_group": "",
        "kind": "percent",
        "recipe": as_json(whole),
    }
    assert read(terms["kind"], terms["recipe"]) == whole


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_index_knows_which_carts_an_offer_needs(kind):
    offer = made(kind, goods={"skus": ["A"]}, when={"audience": ["member"]})
    assert offer.handles in ({"sku:A"}, {"member"})
    assert offer.stage in set(Stage)


def test_rates_are_exact():
    assert PercentOff(percent_bp=3_333).share_bp == 3_333
    assert made("percent", {"percent_bp": 3_333}).benefit.rate == Fraction(3333, 10_000)
