"""A member and a paid plan, over HTTP."""

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from crm.shared import clock
from crm.shared.outbox import drain
from loyalty.queries.plans import shop_day
from orders.models import Order
from tests.loyalty.plans import bind_card, buy_plan, make_plan, plan_of

API = "/api/storefront/v1"
TEA = {"plan": "tea", "period": "month"}
WINE = {"plan": "wine", "period": "month"}


def of(member) -> APIClient:
    client = APIClient(headers={"accept-language": "en"})
    client.force_authenticate(member.user)
    return client


def post(client, path, body=None, key="k"):
    return client.post(
        f"{API}/{path}", body, format="json", headers={"Idempotency-Key": key + path}
    )


@pytest.fixture
def today(db):
    return shop_day(clock.now())


@pytest.fixture
def tea(db):
    return make_plan(trial_days=7, multiplier_bp=15_000)


@pytest.fixture
def wine(db):
    return make_plan("wine", 6_000)


def test_anybody_sees_plans_and_what_they_cost(tea):
    (plan,) = APIClient(headers={"accept-language": "en"}).get(f"{API}/plans").json()

    assert plan == {
        "code": "tea",
        "name": "tea club",
        "multiplier": "1.50",
        "trial_days": 7,
        "may_pause": True,
        "prices": [
            {
                "period": "month",
                "sku": "PLAN-tea-month",
                "price": {"amount": "30.00", "currency": "CNY"},
            },
            {
                "period": "year",
                "sku": "PLAN-tea-year",
                "price": {"amount": "300.00", "currency": "CNY"},
            },
        ],
    }


def test_a_trial_from_begin_to_cancellation(alice, bob, tea, today):
    client = of(alice)
    assert client.get(f"{API}/me/plan").json() == {"plan": None}

    answer = post(client, "me/plan", TEA)

    assert answer.status_code == 201, answer.content
    held = answer.json()["plan"]
    assert (held["state"], held["renews"]) == ("trial", True)
    assert held["paid_until"] == str(today + timedelta(days=6))
    assert post(client, "me/plan", TEA).status_code == 201  # X1: the first answer.
    assert post(client, "me/plan", TEA, key="2").json()["code"] == "already_subscribed"
    assert post(client, "me/plan/cancellation").json()["plan"]["renews"] is False
    kept = client.delete(f"{API}/me/plan/cancellation").json()
    assert kept["plan"]["renews"] is True
    assert of(bob).get(f"{API}/me/plan").json() == {"plan": None}


def test_pause_resume_and_a_card(alice, tea, today):
    buy_plan(alice, tea, today)
    client = of(alice)

    paused = post(client, "me/plan/pause").json()["plan"]
    assert (paused["state"], paused["paid_until"]) == ("paused", None)
    assert paused["days_kept"] > 26
    assert post(client, "me/plan/resume").json()["plan"]["state"] == "active"
    card = bind_card(alice, today)
    answer = client.put(
        f"{API}/me/plan/payment", {"pays_with": card.public_id}, format="json"
    )
    assert answer.json()["plan"]["pays_with"] == card.public_id
    wrong = client.put(f"{API}/me/plan/payment", {"pays_with": "x"}, format="json")
    assert wrong.status_code == 404


def test_a_change_is_previewed_ordered_and_paid(alice, tea, wine, today):
    buy_plan(alice, tea, today)
    client = of(alice)

    preview = post(client, "me/plan/changes/preview", WINE).json()

    assert preview["due"] == {"amount": "30.00", "currency": "CNY"}
    stale = post(
        client,
        "me/plan/changes",
        {**WINE, "expected_due": {"amount": "1.00", "currency": "CNY"}},
    )
    assert (stale.status_code, stale.json()["code"]) == (409, "plan_change_outdated")
    body = {**WINE, "expected_due": preview["due"]}
    answer = post(client, "me/plan/changes", body)
    assert answer.status_code == 201, answer.content
    again = post(client, "me/plan/changes", body)
    assert again.json() == answer.json()  # X1
    order = Order.objects.get(public_id=answer.json()["order"])
    paid = post(client, f"orders/{order.public_id}/payments", {"provider": "test"})
    client.post(paid.json()["pay_url"], {"outcome": "captured"}, format="json")
    drain(now=clock.now())

    assert plan_of(alice).plan == wine
    assert client.get(f"{API}/me/plan").json()["plan"]["code"] == "wine"


def test_a_sum_must_be_money_of_the_shop(alice, tea, wine, today):
    buy_plan(alice, tea, today)
    for sum_ in ({"amount": "x", "currency": "CNY"}, {"amount": "1", "currency": "X"}):
        answer = post(of(alice), "me/plan/changes", {**WINE, "expected_due": sum_})
        assert answer.status_code == 400, answer.content
