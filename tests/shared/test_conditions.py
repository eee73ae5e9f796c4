"""The grammar of conditions: reading a tree, and asking what is known (ADR 0009)."""

from datetime import date

import pytest

from crm.shared.condition_words import problem_words, words_of
from crm.shared.conditions import (
    EVERYBODY,
    MOST_DEPTH,
    MOST_QUESTIONS,
    ConditionError,
    Field,
    fields_of,
    read_condition,
)

VOCABULARY = {
    field.name: field
    for field in (
        Field("age", "number", "Age"),
        Field("spend", "money", "Spend"),
        Field("city", "text", "City"),
        Field("tier", "choice", "Tier", lambda: [("gold", "Gold"), ("top", "Top")]),
        Field("joined", "date", "Joined"),
        Field("vip", "flag", "VIP"),
        Field("tags", "set", "Tags"),
    )
}


def ask(field, how, value=None):
    """Return a question as JSON."""
    return {"field": field, "is": how} | ({} if value is None else {"value": value})


def holds(tree, **facts):
    """Whether a tree holds for facts."""
    return read_condition(tree, VOCABULARY).holds(facts)


@pytest.mark.parametrize(
    ("tree", "facts", "expected"),
    [
        (ask("age", "gte", 18), {"age": 18}, True),
        (ask("age", "gt", 18), {"age": 18}, False),
        (ask("age", "lt", 18), {"age": 17}, True),
        (ask("age", "lte", 18), {"age": 19}, False),
        (ask("age", "ne", 18), {"age": 19}, True),
        (ask("age", "between", [18, 20]), {"age": 20}, True),
        (ask("age", "between", [18, 20]), {"age": 21}, False),
        (ask("spend", "eq", 0), {"spend": 0}, True),
        (ask("city", "in", ["北京", "上海"]), {"city": "上海"}, True),
        (ask("city", "not_in", ["北京"]), {"city": "上海"}, True),
        (ask("joined", "lt", "2026-01-01"), {"joined": date(2025, 12, 31)}, True),
        (ask("vip", "yes"), {"vip": True}, True),
        (ask("vip", "no"), {}, True),
        (ask("tags", "any_of", ["a", "b"]), {"tags": {"b", "c"}}, True),
        (ask("tags", "all_of", ["a", "b"]), {"tags": {"b", "c"}}, False),
        (ask("tags", "none_of", ["a"]), {}, True),
    ],
)
def test_a_question_is_answered_by_the_fact(tree, facts, expected):
    assert holds(tree, **facts) is expected


@pytest.mark.parametrize("how", ["eq", "ne", "lt", "lte", "gt", "gte"])
def test_what_is_not_known_answers_nothing_but_unknown(how):
    assert not holds(ask("age", how, 18))
    assert holds({"not": ask("age", how, 18)})
    assert holds(ask("age", "unknown"))
    assert not holds(ask("age", "known"))


def test_an_empty_text_is_not_known():
    assert not holds(ask("city", "ne", "北京"), city="")
    assert holds(ask("city", "unknown"), city="")


def test_parts_are_joined():
    tree = {
        "all": [
            {"any": [ask("age", "gte", 60), ask("tier", "eq", "gold")]},
            {"not": ask("vip", "yes")},
        ]
    }
    assert holds(tree, age=61)
    assert holds(tree, tier="gold")
    assert not holds(tree, tier="gold", vip=True)
    assert not holds(tree, age=59)


def test_an_empty_tree_asks_nothing():
    assert read_condition({}, VOCABULARY) is EVERYBODY
    assert holds({})


def test_the_facts_that_are_asked_for_are_known_beforehand():
    tree = {"any": [ask("age", "gte", 60), {"not": ask("vip", "yes")}]}
    assert fields_of(read_condition(tree, VOCABULARY)) == {"age", "vip"}


def _nested(depth):
    tree = ask("vip", "yes")
    for _level in range(depth):
        tree = {"not": tree}
    return tree


@pytest.mark.parametrize(
    ("tree", "path", "problem"),
    [
        ([], "", "not_a_node"),
        (None, "", "not_a_node"),
        ({"all": []}, "all", "empty"),
        ({"all": {}}, "all", "not_a_node"),
        ({"all": [{}]}, "all[0]", "not_a_node"),
        ({"all": [ask("vip", "yes")], "any": []}, "", "not_a_node"),
        ({"field": "age"}, "", "not_a_node"),
        (ask("shoe", "eq", 1), "field", "unknown_field"),
        (ask("age", "any_of", [1]), "is", "unknown_question"),
        (ask("age", "eq", "18"), "value", "not_a_value"),
        (ask("age", "eq", True), "value", "not_a_value"),
        (ask("age", "eq", 1.5), "value", "not_a_value"),
        (ask("age", "eq", 10**16), "value", "not_a_value"),
        (ask("age", "between", [20, 18]), "value", "not_a_value"),
        (ask("age", "known", 1), "value", "not_a_value"),
        (ask("city", "eq", ""), "value", "not_a_value"),
        (ask("city", "in", []), "value", "empty"),
        (ask("city", "in", "北京"), "value", "not_a_value"),
        (ask("city", "in", ["x"] * 501), "value", "too_many"),
        (ask("joined", "lt", "yesterday"), "value", "not_a_value"),
        (
            {"any": [ask("vip", "yes"), {"all": [ask("age", "eq", "x")]}]},
            "any[1].all[0].value",
            "not_a_value",
        ),
        (_nested(MOST_DEPTH), ".".join(["not"] * MOST_DEPTH), "too_deep"),
        ({"all": [ask("vip", "yes")] * (MOST_QUESTIONS + 1)}, "", "too_many"),
    ],
)
def test_a_tree_that_asks_nothing_sensible_is_refused_by_place(tree, path, problem):
    with pytest.raises(ConditionError) as refused:
        read_condition(tree, VOCABULARY)
    assert (refused.value.path, refused.value.problem) == (path, problem)
    assert problem_words(refused.value)


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        (ask("spend", "gte", 50_000), "Spend is at least ¥500.00"),
        (ask("tier", "in", ["gold", "top"]), "Tier is Gold or Top"),
        (ask("age", "between", [18, 20]), "Age is from 18 to 20"),
        (ask("vip", "no"), "VIP: no"),
        (
            {
                "any": [
                    {"all": [ask("vip", "yes"), ask("age", "lt", 9)]},
                    ask("age", "known"),
                ]
            },
            "(VIP: yes and Age is below 9) or Age is known",
        ),
        ({"not": ask("tags", "any_of", ["a"])}, "not (Tags include a)"),
        ({}, ""),
    ],
)
def test_a_condition_is_told_in_words(tree, words):
    assert words_of(read_condition(tree, VOCABULARY)) == words
