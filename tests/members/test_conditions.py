"""Conditions over members: the database and memory say the same (ADR 0009)."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.shared.conditions import QUESTIONS
from loyalty.models import MemberValue, PointsAccount, Tier
from members.conditions import (
    member_facts,
    member_vocabulary,
    members_where,
    read_member_condition,
)
from members.models import Member, MemberTag, Tag
from tests.cast import NOON, make_member
from tests.loyalty.books import paid_order

NUMBERS = [-1, 0, 1, 2, 3, 7, 30, 1_000, 50_000]
WORDS = ["gold", "female", "active", "上海", "vip", "old", "tea", "student", "T1-1"]


@pytest.fixture
def crowd(db):
    """Return members of whom different things are known."""
    gold = Tier.objects.get(code="gold")
    tags = [Tag.objects.create(name=name) for name in ("vip", "old")]
    crowd = [
        make_member(1, city="上海", gender="female", birth_month=2, interests=["tea"]),
        make_member(2, joined_at=NOON - timedelta(days=7, seconds=1)),
        make_member(3, joined_at=NOON - timedelta(days=7), occupation="student"),
        make_member(4, joined_at=NOON + timedelta(days=1), state="frozen"),
        make_member(5, last_active_at=NOON - timedelta(days=30)),
    ]
    PointsAccount.objects.create(member=crowd[0], tier=gold, balance=1_000)
    PointsAccount.objects.create(member=crowd[1])
    MemberValue.objects.create(
        member=crowd[0],
        orders=3,
        net_minor=50_000,
        first_order_at=NOON - timedelta(days=30),
        last_order_at=NOON,
    )
    for member, tag, days in ((crowd[0], 0, None), (crowd[1], 0, -1), (crowd[1], 1, 1)):
        MemberTag.objects.create(
            member=member,
            tag=tags[tag],
            created_at=NOON,
            expires_at=days and NOON + timedelta(days=days),
        )
    paid_order(crowd[2], 1_000)
    return crowd


def _questions(field):
    several = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3)
    values = {
        **dict.fromkeys(("known", "unknown", "yes", "no"), st.none()),
        **dict.fromkeys(("any_of", "all_of", "none_of"), several),
    }
    if field.kind in ("number", "money"):
        one = st.sampled_from(NUMBERS)
        values["between"] = st.tuples(one, one).map(sorted)
    else:
        one = st.sampled_from(WORDS)
        values |= {"in": several, "not_in": several}
    how = st.sampled_from(QUESTIONS[field.kind])
    return how.flatmap(
        lambda how: values.get(how, one).map(
            lambda value: (
                {"field": field.name, "is": how}
                | ({} if value is None else {"value": value})
            )
        )
    )


def _trees():
    fields = list(member_vocabulary(NOON).values())
    leaf = st.sampled_from(fields).flatmap(_questions)
    several = st.lists(leaf, min_size=1, max_size=3)
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            inner.map(lambda tree: {"not": tree}),
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        ),
        max_leaves=4,
    ) | several.map(lambda parts: {"all": parts})


@given(data=st.data())
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_database_and_memory_say_the_same(crowd, data):
    condition = read_member_condition(data.draw(_trees()), NOON)
    by_sql = set(members_where(condition, NOON).values_list("pk", flat=True))
    facts = member_facts(Member.objects.values("pk"), condition, NOON)
    assert by_sql == {pk for pk, known in facts.items() if condition.holds(known)}
    assert set(facts) == set(Member.objects.values_list("pk", flat=True))


@pytest.mark.parametrize(
    ("tree", "serials"),
    [
        ({"field": "loyalty.tier", "is": "eq", "value": "gold"}, {1}),
        ({"field": "loyalty.orders", "is": "eq", "value": 0}, {2, 3, 4, 5}),
        ({"field": "member.days", "is": "gte", "value": 7}, {2, 3}),
        ({"field": "member.days", "is": "lt", "value": 0}, {4}),
        ({"field": "member.tags", "is": "any_of", "value": ["vip"]}, {1}),
        ({"field": "orders.skus", "is": "any_of", "value": ["T1-1"]}, {3}),
        ({"field": "loyalty.days_since_order", "is": "unknown"}, {2, 3, 4, 5}),
        (
            {"field": "member.interests", "is": "none_of", "value": ["tea"]},
            {2, 3, 4, 5},
        ),
        ({}, {1, 2, 3, 4, 5}),
    ],
)
def test_members_are_found_by_what_is_known_of_them(crowd, tree, serials):
    found = members_where(read_member_condition(tree, NOON), NOON)
    places = {member.pk: place for place, member in enumerate(crowd, start=1)}
    assert {places[pk] for pk in found.values_list("pk", flat=True)} == serials


def test_facts_of_many_members_take_one_statement(crowd, django_assert_num_queries):
    tree = {
        "all": [
            {"field": name, "is": QUESTIONS[field.kind][0], "value": value}
            for name, field in member_vocabulary(NOON).items()
            for value in [{"set": ["a"], "number": 1, "money": 1}.get(field.kind, "a")]
        ]
    }
    condition = read_member_condition(tree, NOON)
    with django_assert_num_queries(1):
        assert len(member_facts([m.pk for m in crowd], condition, NOON)) == 5
