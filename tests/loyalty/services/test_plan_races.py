"""Nobody is charged twice and nobody gets days twice, whoever comes at once (X5)."""

from datetime import date

import pytest

from crm.shared.errors import Refusal
from crm.shared.outbox import drain
from loyalty.models import Subscription, SubscriptionPeriod
from loyalty.services import moving_plans, renewing
from loyalty.services.paying_plans import pay_plan_with
from loyalty.services.renewing import renew_plan
from loyalty.services.subscribing import settle_paid_plans, start_trial
from orders.models import Order
from orders.providers.test import TestProvider
from tests.faults.callers import at_once, rendezvous
from tests.loyalty.plans import bind_card, buy_plan, make_plan, noon, order_plan, pay
from tests.loyalty.plans import plan_of as held_by

pytestmark = pytest.mark.django_db(transaction=True)
JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)


@pytest.fixture(autouse=True)
def fresh_gateway(monkeypatch):
    for name in ("charged", "outcomes"):
        monkeypatch.setattr(TestProvider, name, {})


@pytest.fixture
def due(alice):
    """Return a subscription that renews with a card today."""
    buy_plan(alice, make_plan(), JUNE)
    card = bind_card(alice, JUNE)
    pay_plan_with(member_id=alice.pk, way=card.public_id, now=noon(JUNE))
    return held_by(alice)


def sweeps(subscription, count):
    return [lambda: renew_plan(subscription_id=subscription.pk, now=noon(JULY))] * count


def test_of_many_nightly_rounds_at_once_one_charges(alice, due):
    answers = at_once(sweeps(due, 8))

    assert sorted(answers) == [False] * 7 + [True]
    assert list(TestProvider.charged.values()) == [3_000]
    assert Order.objects.filter(lines__price_kind="plan").count() == 1
    drain(now=noon(JULY))
    assert held_by(alice).ends_on == date(2026, 8, 1)


def test_control_without_the_lock_two_rounds_charge_twice(alice, due, monkeypatch):
    real, meet = renewing.open_subscription, rendezvous(2)

    def read(*, member_id):
        row = real(member_id=member_id)
        meet()
        return row

    monkeypatch.setattr(renewing, "lock_member", lambda **_: None)
    monkeypatch.setattr(renewing, "open_subscription", read)

    assert at_once(sweeps(due, 2)) == [True, True]

    assert len(TestProvider.charged) == 2


def test_news_of_a_payment_at_once_give_days_once(alice):
    order = order_plan(alice, make_plan(), JUNE)
    pay(order, JUNE)

    answers = at_once(
        [lambda: len(settle_paid_plans(order_id=order.pk, now=noon(JUNE)))] * 6
    )

    assert sorted(answers) == [0, 0, 0, 0, 0, 1]
    assert SubscriptionPeriod.objects.count() == 1


def test_of_many_trials_at_once_one_begins(alice):
    make_plan(trial_days=7)

    def begin():
        return start_trial(
            member_id=alice.pk, plan="tea", period="month", now=noon(JUNE)
        )

    answers = at_once([begin] * 6)

    assert sum(isinstance(each, Subscription) for each in answers) == 1
    refused = [each for each in answers if isinstance(each, Refusal)]
    assert {each.code for each in refused} == {"already_subscribed"}
    assert Subscription.objects.count() == 1


def test_a_member_who_pays_while_the_round_charges_pays_once(alice, due):
    """The order is one: what comes twice for it is returned, not kept."""
    renewing._claim(due.pk, noon(JULY))
    order = renewing._renewal_order(due.pk, noon(JULY))

    answers = at_once(
        [
            lambda: renewing._attempt(due.pk, noon(JULY)),
            lambda: pay(order, JULY),
        ]
    )

    assert not [each for each in answers if isinstance(each, AssertionError)]
    drain(now=noon(JULY))
    order.refresh_from_db()
    assert order.paid_minor == 3_000
    assert order.payments.filter(state="captured").count() == 1
    assert held_by(alice).ends_on == date(2026, 8, 1)
    assert moving_plans.open_subscription(member_id=alice.pk) is not None
