"""What members are told of their paid plan."""

from datetime import date

import pytest

from campaigns.models import Message
from campaigns.subscribers import tell_of_ended_plan, tell_of_unpaid_plan
from crm.shared.models import Fact
from loyalty.models import Subscription
from members.models import Member
from tests.cast import NOON
from tests.loyalty.plans import buy_plan, make_plan, plan_of


@pytest.fixture
def held(alice) -> Subscription:
    """Return a plan of a member who reads English, paid until 1 July."""
    Member.objects.filter(pk=alice.pk).update(language="en")
    buy_plan(alice, make_plan("tea", grace_days=7), date(2026, 6, 1))
    return plan_of(alice)


def told(name: str, held: Subscription) -> Fact:
    payload = {"member_id": held.member_id, "subscription_id": held.pk}
    return Fact.objects.create(name=f"loyalty.{name}", payload=payload)


def test_who_could_not_be_charged_is_told_until_when_to_pay(held):
    fact = told("PlanPaymentFailed", held)
    for _again in range(2):
        tell_of_unpaid_plan(fact.payload, fact=fact, now=NOON)
    message = Message.objects.get(template="plan_unpaid")
    assert "“tea club” could not be renewed" in message.body
    assert "until 2026-07-07;" in message.body


def test_nobody_is_asked_to_pay_for_a_plan_that_is_over(held):
    Subscription.objects.filter(pk=held.pk).update(
        state="ended", ended_at=NOON, due_at=None
    )
    fact = told("PlanPaymentFailed", held)
    tell_of_unpaid_plan(fact.payload, fact=fact, now=NOON)
    assert not Message.objects.filter(template="plan_unpaid").exists()


def test_the_end_of_a_plan_is_told_once(held):
    fact = told("PlanEnded", held)
    for _again in range(2):
        tell_of_ended_plan(fact.payload, fact=fact, now=NOON)
    assert "has ended" in Message.objects.get(template="plan_ended").body
