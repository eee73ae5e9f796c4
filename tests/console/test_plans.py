"""Paid plans in the console: who sees them, who may do what, what a page says."""

from datetime import timedelta

import pytest
from django.urls import reverse

from crm.console.rules.roles import ROLES
from crm.shared.clock import now
from crm.shared.models import AuditEntry
from loyalty.models import Plan, Subscription
from loyalty.queries.plans import shop_day
from tests.loyalty.plans import buy_plan, make_plan

SEES = {"support", "marketer", "loyalty manager", "analyst", "auditor", "owner"}
ACTS = {"support", "loyalty manager", "owner"}
KEEPS = {"loyalty manager", "owner"}


@pytest.fixture
def held(shop) -> Subscription:
    """Return a paid subscription of a member who had none."""
    member = shop["members"][1]
    buy_plan(member, make_plan("wine", 6_000), shop_day(now()))
    return Subscription.objects.get(member=member)


def page_of(subscription) -> str:
    return reverse("admin:loyalty_subscription_change", args=[subscription.pk])


def deed_of(subscription) -> str:
    return reverse("admin:plan_deed", args=[subscription.pk])


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_who_sees_and_who_ends_a_plan(signed_in, held, role):
    client = signed_in(role)
    status = client.get(page_of(held)).status_code
    assert status == (200 if role in SEES else 403)
    done = client.post(deed_of(held), {"deed": "end", "reason": "asked by phone"})
    held.refresh_from_db()
    if role not in ACTS:
        assert (done.status_code, held.state) == (403, "active")
        return
    assert (done.status_code, held.state) == (302, "ended")
    entry = AuditEntry.objects.get(action="plans.end")
    assert (entry.reason, entry.object_id) == ("asked by phone", held.public_id)


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_who_changes_plans(signed_in, shop, role):
    url = reverse("admin:loyalty_plan_add")
    assert signed_in(role).get(url).status_code == (200 if role in KEEPS else 403)


def test_a_page_tells_periods_and_moves_and_offers_what_can_be_done(signed_in, held):
    client = signed_in()
    page = client.get(page_of(held)).content.decode()
    assert "wine club" in page
    assert "¥60.00" in page
    assert 'value="pause"' in page
    assert 'value="resume"' not in page
    client.post(deed_of(held), {"deed": "pause", "reason": "on a journey"})
    page = client.get(page_of(held)).content.decode()
    assert 'value="resume"' in page
    assert "on a journey" in page


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"deed": "end"}, 200, "at least three characters"),
        ({"deed": "resume", "reason": "please"}, 200, "cannot do this"),
        ({"deed": "delete", "reason": "please"}, 403, ""),
    ],
)
def test_what_cannot_be_done_says_why(signed_in, held, body, status, told):
    answer = signed_in().post(deed_of(held), body)
    assert answer.status_code == status
    assert told in answer.content.decode()
    held.refresh_from_db()
    assert held.state == "active"


def test_the_list_shows_what_renews(signed_in, held):
    url = reverse("admin:loyalty_subscription_changelist")
    page = signed_in().get(url).content.decode()
    assert "2 plans renew within 30 days" in page or "renews within 30 days" in page
    assert "<svg" in page


def test_a_plan_is_kept_with_its_prices(signed_in, shop):
    plan = Plan.objects.get(code="tea")
    url = reverse("admin:loyalty_plan_change", args=[plan.pk])
    page = signed_in("loyalty manager").get(url).content.decode()
    assert "PLAN-tea-month" in page
    assert "PLAN-tea-year" in page


def test_a_trial_that_ends_soon_is_in_the_picture(shop):
    trial = Subscription.objects.get(member=shop["busy"])
    assert trial.ends_on == shop_day(now()) + timedelta(days=7)
