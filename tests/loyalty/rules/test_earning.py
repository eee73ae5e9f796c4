"""What rules give: floored once, best of the basic ones, split without a loss."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.shared.conditions import Field, read_condition
from loyalty.rules.caps import EVER, first_day
from loyalty.rules.earning import Occurrence, Part, Rule, capped, evaluate
from tests.cast import NOON
from tests.loyalty.books import SHOP_ZONE

BASE = Rule("base", "per_amount", points=1, per_minor=100)
GOLD = Rule("gold", "multiplier", bonus_bp=5_000)
TEA = read_condition(
    {"field": "line.category", "is": "any_of", "value": ["tea"]},
    {"line.category": Field("line.category", "set", "category")},
)
TEA_LINE = {"line.category": frozenset({"tea"})}


def order(*amounts, **more):
    parts = [Part(at, amount, 1) for at, amount in enumerate(amounts, start=1)]
    return Occurrence(NOON, tuple(parts), **more)


def event(number=0):
    return Occurrence(NOON, number=number)


@pytest.mark.parametrize(
    ("_case", "basis", "multiplier", "points"),
    [
        ("P6: the example of the rule", 16890, 15000, 253),
        ("nothing paid", 0, 20000, 0),
        ("just below one", 99, 10000, 0),
        ("exactly one", 100, 10000, 1),
        ("floor after the multiplier, not before", 199, 15000, 2),
        ("silver", 12345, 12000, 148),
        ("half", 1000, 5000, 5),
    ],
)
def test_p6_points_are_floored_once(_case, basis, multiplier, points):
    tier = replace(GOLD, bonus_bp=multiplier - 10_000)
    assert evaluate([BASE, tier], order(basis)).points == points


@pytest.mark.parametrize(
    ("_case", "rule", "occurrence", "points"),
    [
        ("an order", Rule("r", "per_order", points=50), order(1, 1), 50),
        ("a free order", Rule("r", "per_order", points=50), order(0), 50),
        ("units", Rule("r", "per_unit", points=7), order(5, 5), 14),
        ("an event", Rule("r", "fixed", points=20), event(), 20),
        ("a told number", Rule("r", "dynamic", points=3), event(4), 12),
        ("first day", Rule("r", "ladder", ladder=(5, 10, 20)), event(1), 5),
        ("last day stays", Rule("r", "ladder", ladder=(5, 10, 20)), event(9), 20),
        ("no ladder day", Rule("r", "ladder", ladder=(5, 10)), event(0), 0),
        ("no ladder", Rule("r", "ladder"), event(3), 0),
        (
            "2 for every 3.00",
            Rule("r", "per_amount", points=2, per_minor=300),
            order(700),
            4,
        ),
        ("a multiplier alone", GOLD, order(1000), 0),
    ],
)
def test_awards(_case, rule, occurrence, points):
    assert evaluate([rule], occurrence).points == points


def told(rules, occurrence):
    return {
        e.rule.code: e.why or e.points for e in evaluate(rules, occurrence).outcomes
    }


def test_p8_of_basic_rules_the_highest_wins_and_all_are_listed():
    twice = replace(BASE, code="twice", points=2)
    assert told([BASE, twice], order(1_000)) == {"base": "lower", "twice": 20}


def test_p8_added_rules_are_multiplied_and_bonus_rules_are_not():
    added = Rule("added", "per_order", role="added", points=10)
    bonus = Rule("bonus", "per_order", role="bonus", points=10)
    assert told([bonus, GOLD, added, BASE], order(1_000)) == {
        "base": 10,
        "added": 10,
        "gold": 10,
        "bonus": 10,
    }


def test_p8_each_line_earns_by_its_best_rule():
    tea = replace(BASE, code="tea", points=3, condition=TEA, asks_lines=True)
    cart = Occurrence(NOON, (Part(1, 1_000, facts=TEA_LINE), Part(2, 500)))
    earned = evaluate([BASE, tea], cart)
    assert {e.rule.code: e.points for e in earned.counted} == {"base": 5, "tea": 30}
    assert earned.by_line() == {1: 30, 2: 5}


def test_p8_why_a_rule_does_not_count():
    rules = [
        BASE,
        replace(BASE, code="soon", starts_at=NOON + timedelta(seconds=1)),
        replace(BASE, code="gone", ends_at=NOON),
        replace(BASE, code="tea", condition=TEA, asks_lines=True),
        replace(BASE, code="now", starts_at=NOON, points=2),
    ]
    assert told(rules, order(100)) == {
        "base": "lower",
        "soon": "not_yet",
        "gone": "over",
        "tea": "condition",
        "now": 2,
    }
    assert evaluate(rules, order(100)).trace()["missed"]["tea"] == "condition"


def test_p8_of_equal_rules_the_higher_priority_counts():
    other = replace(BASE, code="a", priority=0)
    first = replace(BASE, code="z", priority=1)
    assert told([other, first], order(100)) == {"a": "lower", "z": 1}


def test_p24_a_cap_grants_what_is_left_and_says_so():
    earned = capped(evaluate([BASE], order(16_890)), {"base": 100})
    assert (earned.points, earned.trace()["rules"][0]["capped"]) == (100, 68)
    assert capped(earned, {"base": 0}).points == 0


@pytest.mark.parametrize(
    ("_case", "bonus_bp", "left", "gives", "keeps_back"),
    [
        ("a tier raises what is left", 5_000, {"base": 100}, [100, 50], [900, 450]),
        ("nothing is left", 5_000, {"base": 0}, [0, 0], [1_000, 500]),
        ("less raises nothing either", -5_000, {"base": 100}, [100, -50], [900, -450]),
        ("a cap of its own", 5_000, {"gold": 30}, [1_000, 30], [0, 470]),
        ("both", 5_000, {"base": 100, "gold": 30}, [100, 30], [900, 470]),
        ("enough is left", 5_000, {"base": 1_000}, [1_000, 500], [0, 0]),
    ],
)
def test_p24_multipliers_raise_what_caps_let_through(
    _case, bonus_bp, left, gives, keeps_back
):
    rules = [BASE, replace(GOLD, bonus_bp=bonus_bp)]
    earned = capped(evaluate(rules, order(100_000)), left)
    assert [each.points for each in earned.outcomes] == gives
    assert [each.capped for each in earned.outcomes] == keeps_back


def test_p24_a_multiplier_of_one_line_raises_what_that_line_keeps():
    tea = replace(GOLD, condition=TEA, asks_lines=True)
    cart = Occurrence(NOON, (Part(1, 30_000, facts=TEA_LINE), Part(2, 10_000)))
    earned = capped(evaluate([BASE, tea], cart), {"base": 100})
    assert [each.points for each in earned.outcomes] == [100, 37]


def test_periods_of_caps_are_those_of_the_shop():
    late = NOON.replace(hour=17)
    days = [first_day(late, each, zone=SHOP_ZONE) for each in ("day", "week", "month")]
    assert [str(day) for day in days] == ["2026-11-22", "2026-11-16", "2026-11-01"]
    assert str(first_day(late, "year", zone=SHOP_ZONE)) == "2026-01-01"
    assert first_day(late, "ever", zone=SHOP_ZONE) == EVER


rules = st.builds(
    Rule,
    code=st.uuids().map(str),
    award=st.sampled_from(["per_amount", "per_unit", "per_order", "multiplier"]),
    role=st.sampled_from(["best", "added", "bonus"]),
    points=st.integers(0, 50),
    per_minor=st.integers(1, 999),
    bonus_bp=st.integers(-10_000, 30_000),
    condition=st.sampled_from([None, TEA]),
    asks_lines=st.just(True),
)
parts = st.builds(
    Part,
    amount_minor=st.integers(0, 99_999),
    units=st.integers(1, 9),
    facts=st.sampled_from([{}, TEA_LINE]),
)


@given(st.lists(rules, max_size=6), st.lists(parts, min_size=1, max_size=6), st.data())
def test_p6_rules_and_lines_add_up_whatever_is_capped(rules, parts, data):
    cart = Occurrence(
        NOON, tuple(replace(part, position=at) for at, part in enumerate(parts))
    )
    earned = evaluate(rules, cart)
    assert earned.points == sum(each.points for each in earned.counted)
    exact = sum(sum(each.by_part) for each in earned.counted)
    assert earned.points == max(0, exact // 1) or any(
        rule.bonus_bp < 0 for rule in rules
    )
    caps = {rule.code: data.draw(st.integers(0, 99)) for rule in rules}
    few = capped(earned, caps)
    assert all(each.points <= caps[each.rule.code] for each in few.counted)
    kept_back = sum(each.capped for each in few.counted)
    assert kept_back == sum(each.points for each in earned.counted) - sum(
        each.points for each in few.counted
    )
    for found in (earned, few):
        split = found.by_line()
        assert sum(split.values()) == found.points
        assert min(split.values()) >= 0
    assert len(earned.outcomes) == len(rules), "the trace lists all"


@given(st.lists(rules, max_size=4), st.integers(0, 99_999), st.integers(0, 99_999))
def test_more_money_never_earns_less(rules, least, more):
    rules = [replace(rule, bonus_bp=abs(rule.bonus_bp)) for rule in rules]
    few, many = evaluate(rules, order(least)), evaluate(rules, order(least + more))
    assert few.points <= many.points


@given(st.lists(rules, max_size=4), st.integers(0, 99_999), st.integers(0, 99_999))
def test_p24_more_money_never_earns_less_under_caps(rules, least, more):
    rules = [
        replace(
            rule, bonus_bp=abs(rule.bonus_bp), role=rule.role.replace("best", "added")
        )
        for rule in rules
    ]
    left = {rule.code: rule.points for rule in rules}
    few, many = (
        capped(evaluate(rules, order(amount)), left) for amount in (least, least + more)
    )
    assert few.points <= many.points
