"""Earning rules in the console: the form, the sentence, the simulator, and why."""

import pytest
from django.urls import reverse

from loyalty.admin.earning_form import read_tree, tree_of
from loyalty.earning_words import entry_words, rule_sentence
from loyalty.models import EarningRule, PointsEntry
from loyalty.services.earning import earn_for_order
from tests.cast import NOON
from tests.loyalty.books import paid_order, rule
from tests.staff import client_in_role

ADD = "admin:loyalty_earningrule_add"
SIMULATOR = "admin:earning_simulator"


def form(**changed):
    return {
        "code": "gold-mondays",
        "name": "周一加倍",
        "name_en": "Gold Mondays",
        "occasion": "order",
        "award": "multiplier",
        "role": "best",
        "points": "0",
        "per_minor": "",
        "bonus_bp": "100",
        "ladder": "",
        "priority": "0",
        "cap_period": "day",
        "is_active": "on",
        **changed,
    }


@pytest.fixture
def manager(db):
    return client_in_role("loyalty manager")


def save(client, **changed):
    return client.post(reverse(ADD), form(**changed), headers={"accept-language": "en"})


def test_a_rule_is_made_of_typed_fields(manager):
    answer = save(
        manager,
        tiers=["gold", "platinum"],
        weekdays=["1"],
        least_minor="99.50",
        first_order="on",
        member_cap="500",
        budget="100000",
    )
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    made = EarningRule.objects.get(code="gold-mondays")
    assert made.condition == {
        "all": [
            {"field": "member.tier", "is": "in", "value": ["gold", "platinum"]},
            {"field": "time.weekday", "is": "in", "value": ["1"]},
            {"field": "order.amount", "is": "gte", "value": 9_950},
            {"field": "order.first", "is": "yes"},
        ]
    }
    page = manager.get(
        reverse("admin:loyalty_earningrule_change", args=[made.pk]),
        headers={"accept-language": "en"},
    ).content.decode()
    assert "99.50" in page
    assert "+100% of the basic points, for a paid order, if tier is Gold" in page
    assert "at most 500 a day for one member; at most 100,000 for all members" in page


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("award", {"award": "fixed"}),
        ("award", {"occasion": "check_in", "award": "per_amount"}),
        ("ladder", {"occasion": "check_in", "award": "ladder"}),
        ("first_order", {"occasion": "review", "award": "fixed", "first_order": "on"}),
        ("pictures", {"pictures": "on"}),
        ("least_minor", {"least_minor": "a lot"}),
    ],
)
def test_what_does_not_go_together_is_said_at_its_field(manager, field, changed):
    answer = save(manager, **changed)
    assert list(answer.context["adminform"].form.errors) == [field]
    assert not EarningRule.objects.filter(code="gold-mondays").exists()


def test_the_form_keeps_what_it_cannot_say():
    odd = {"field": "member.days", "is": "gte", "value": 365}
    tree = {"all": [{"field": "order.first", "is": "yes"}, odd]}
    asked, kept = read_tree(tree)
    assert (asked, kept) == ({"first_order": True}, [odd])
    assert tree_of(asked, kept) == tree
    assert read_tree({"any": [odd, odd]}) == ({}, [{"any": [odd, odd]}])
    assert read_tree({}) == ({}, []) and tree_of({}, []) == {}


@pytest.mark.parametrize("role", ["support", "marketer", "auditor"])
def test_others_read_rules_and_change_none(db, role):
    client = client_in_role(role)
    base = EarningRule.objects.get()
    assert client.get(reverse(SIMULATOR)).status_code in {200, 403}
    url = reverse("admin:loyalty_earningrule_change", args=[base.pk])
    assert client.post(url, form(points="9")).status_code == 403
    assert save(client).status_code == 403
    base.refresh_from_db()
    assert base.points == 1


def test_strangers_do_not_reach_the_simulator(client, db):
    assert client.get(reverse(SIMULATOR)).status_code == 302
    assert client_in_role("nobody").get(reverse(SIMULATOR)).status_code == 403


def simulate(client, **asked):
    usual = {"occasion": "order", "units": 1, "number": 1, "at": "2026-11-21T12:00"}
    answer = client.get(
        reverse(SIMULATOR), usual | asked, headers={"accept-language": "en"}
    )
    assert answer.status_code == 200
    return answer


def test_x6_the_simulator_says_what_is_booked(manager, alice):
    rule("tea", points=10, role="bonus", award="per_order")
    order = paid_order(alice, 16_890, extra=(("goods", 3_110),))
    earned = simulate(manager, order_number=order.number).context["earned"]
    entry = earn_for_order(order_id=order.pk, now=NOON)
    assert earned.points == entry.points == 210
    assert entry.trace["rules"] == earned.trace()["rules"]
    assert entry.trace["lines"] == {"1": 177, "2": 33}


def test_the_simulator_tries_a_rule_that_is_off(manager):
    off = rule("double", award="multiplier", bonus_bp=10_000, is_active=False)
    assert simulate(manager, amount_minor="168.90").context["earned"].points == 168
    answer = simulate(manager, amount_minor="168.90", tier="gold", rule=off.pk)
    assert answer.context["earned"].points == 422
    assert "+50% of the basic points" in answer.content.decode()


def test_the_simulator_tries_events_and_says_what_it_cannot_find(manager):
    rule("look-in", occasion="check_in", award="ladder", ladder=[5, 10])
    found = simulate(manager, occasion="check_in", number=2)
    assert found.context["earned"].points == 10
    assert "No member has paid" in simulate(manager, order_number="X").content.decode()
    assert manager.get(reverse(SIMULATOR), {"rule": "999"}).status_code == 404


def test_p8_an_entry_says_why_it_has_its_points(manager, alice, settings):
    rule("late", points=9, starts_at=NOON.replace(year=2030))
    entry = earn_for_order(order_id=paid_order(alice, 16_890).pk, now=NOON)
    url = reverse("admin:loyalty_pointsentry_change", args=[entry.pk])
    page = manager.get(url, headers={"accept-language": "en"}).content.decode()
    assert "Points for spending: 1 point for every ¥1.00 <b>+168</b>" in page
    assert "late: not valid yet <b>–</b>" in page


def test_entries_from_before_the_rules_are_told_too():
    old = {"basis_minor": 16_890, "minor_per_point": 100, "multiplier_bp": 15_000}
    words = entry_words(PointsEntry(points=253, trace=old | {"tier": "gold"}))
    assert [row.points for row in words] == [168, 85]
    assert entry_words(PointsEntry(points=-5, trace={"due": 5})) == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"points": 2, "per_minor": 300}, "2 points for every ¥3.00, for a paid order"),
        ({"award": "per_unit", "points": 1}, "1 point a unit, for a paid order"),
        (
            {"occasion": "survey", "award": "dynamic", "points": 3},
            "3 points times the number told, for a survey answered",
        ),
        (
            {"occasion": "check_in", "award": "ladder", "ladder": [5, 10]},
            "points by the day of the streak: 5 → 10, for a check-in",
        ),
    ],
)
def test_sentences(db, fields, words):
    assert rule_sentence(rule("r", **fields)) == words


def test_a_list_of_rules_reads_each_list_of_choices_once(
    manager, django_assert_max_num_queries
):
    gold = {"field": "member.tier", "is": "in", "value": ["gold"]}
    for serial in range(20):
        rule(f"gold-{serial}", condition=gold)
    url = reverse("admin:loyalty_earningrule_changelist")
    manager.get(url)
    with django_assert_max_num_queries(9):
        page = manager.get(url, headers={"accept-language": "en"}).content.decode()
    assert page.count("if tier is Gold") == 20
