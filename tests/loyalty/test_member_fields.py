"""What conditions may ask about the scores of last night."""

from datetime import timedelta

import pytest

from loyalty.models import MemberScore
from members.conditions import member_facts, members_where, read_member_condition
from tests.cast import NOON

pytestmark = pytest.mark.django_db


def ask(name, how, value):
    return {"field": f"loyalty.{name}", "is": how, "value": value}


@pytest.mark.parametrize(
    ("tree", "finds_alice"),
    [
        (ask("rfm_segment", "in", ["champions", "loyal"]), True),
        (ask("rfm_segment", "eq", "lost"), False),
        (ask("rfm_recency", "gte", 5), True),
        (ask("rfm_frequency", "lt", 4), False),
        (ask("rfm_money", "between", [3, 4]), True),
        (ask("days_overdue", "gte", 12), True),
        (ask("days_overdue", "gt", 12), False),
        (ask("value_next_year", "gte", 123_450), True),
        ({"field": "loyalty.value_next_year", "is": "unknown"}, False),
    ],
)
def test_scores_can_be_asked_for_in_both_ways(tree, finds_alice, alice, bob):
    """Bob never bought: he has no score, and answers to "unknown" only."""
    MemberScore.objects.create(
        member=alice,
        recency=5,
        frequency=4,
        money=4,
        segment="champions",
        interval_days=32,
        due_at=NOON - timedelta(days=12, hours=1),
        alive_bp=8_765,
        purchases_90_milli=800,
        purchases_365_milli=3_240,
        value_365_minor=123_450,
    )
    condition = read_member_condition(tree, NOON)
    found = set(members_where(condition, NOON).values_list("pk", flat=True))
    facts = member_facts([alice.pk, bob.pk], condition, NOON)
    held = {pk for pk, known in facts.items() if condition.holds(known)}
    assert found == held
    assert (alice.pk in found) is finds_alice
    assert (bob.pk in found) is (tree["is"] == "unknown")
