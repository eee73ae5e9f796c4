"""Counted currencies in the console: the list, the form, the rule that awards one."""

import pytest
from django.urls import reverse

from loyalty.models import Currency, EarningRule, Ladder, LadderVersion
from loyalty.services.estimating import Sample, simulate_sample
from loyalty.services.event_points import Happening, grant_for_event
from loyalty.services.versioning import begin_draft
from tests.cast import NOON
from tests.loyalty.books import rule
from tests.staff import client_in_role

LIST = "admin:loyalty_currency_changelist"
ADD = "admin:loyalty_currency_add"
ENGLISH = {"accept-language": "en"}


@pytest.fixture
def manager(db):
    return client_in_role("loyalty manager")


def stars(**fields):
    return Currency.objects.create(
        code="stars", name="星星", name_en="Stars", unit="颗", unit_en="stars", **fields
    )


def fields(**changed):
    return {"name": "星星", "code": "stars", "unit": "颗", "is_active": "on", **changed}


def test_a_currency_is_added_and_its_code_stays(manager):
    assert manager.post(reverse(ADD), fields()).status_code == 302
    made = Currency.objects.get(code="stars")
    url = reverse("admin:loyalty_currency_change", args=[made.pk])
    manager.post(url, fields(code="other", name="小星"))
    made.refresh_from_db()
    assert (made.code, made.name) == ("stars", "小星")


@pytest.mark.parametrize("code", ["Stars", "2stars", "points", "value", "a-b"])
def test_a_code_that_ladders_could_not_name_is_refused(manager, code):
    answer = manager.post(reverse(ADD), fields(code=code))
    assert answer.context["adminform"].form.errors
    assert Currency.objects.count() == 1


def test_of_qualifying_value_only_the_name_changes(manager):
    stars()
    page = manager.get(reverse(LIST), headers=ENGLISH).content.decode()
    assert "Stars" in page
    assert "Qualifying value" in page
    first = Currency.objects.get(code="value")
    url = reverse("admin:loyalty_currency_change", args=[first.pk])
    assert manager.post(url, {"name": "成长", "resets_yearly": "on"}).status_code == 302
    first.refresh_from_db()
    assert (first.name, first.resets_yearly, first.is_active) == ("成长", False, True)


@pytest.mark.parametrize("role", ["analyst", "support"])
def test_who_looks_at_points_sees_currencies_and_changes_none(db, role):
    stars()
    client = client_in_role(role)
    assert client.get(reverse(LIST)).status_code == 200
    assert client.post(reverse(ADD), fields(code="hearts")).status_code == 403
    assert Currency.objects.count() == 2


def test_a_rule_awards_a_currency_and_says_so(manager):
    stars()
    answer = manager.post(
        reverse("admin:loyalty_earningrule_add"),
        {
            **{"code": "star", "name": "得星", "occasion": "survey", "award": "fixed"},
            **{"role": "best", "points": "2", "bonus_bp": "0", "priority": "0"},
            **{"cap_period": "day", "is_active": "on", "currency": "stars"},
        },
    )
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert EarningRule.objects.get(code="star").currency_id == "stars"
    url = reverse("admin:loyalty_earningrule_changelist")
    page = manager.get(url, headers=ENGLISH).content.decode()
    assert "in Stars instead of points" in page


def test_the_account_of_a_member_says_what_they_gathered(manager, alice):
    stars()
    rule("star", occasion="survey", points=2, currency_id="stars")
    happening = Happening(member_id=alice.pk, source="survey:1")
    grant_for_event(occasion="survey", happening=happening, now=NOON)
    rule("hello", occasion="share", points=1)
    grant_for_event(occasion="share", happening=happening, now=NOON)
    url = reverse("admin:loyalty_pointsaccount_change", args=[alice.pk])
    assert "<b>Stars</b> 2 stars" in manager.get(url, headers=ENGLISH).content.decode()


def test_a_draft_names_the_currency_it_counts(manager, dana):
    stars()
    ladder = Ladder.objects.get(code="main")
    version = begin_draft(ladder_id=ladder.pk, actor=dana, now=NOON)
    url = reverse("admin:loyalty_ladderversion_change", args=[version.pk])
    form = manager.get(url).context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    asked = {name: each for name, each in values.items() if each not in {None, ""}}
    rungs = {"rungs-TOTAL_FORMS": "0", "rungs-INITIAL_FORMS": "0"}
    asked |= rungs | {"metric": "currency"}
    answer = manager.post(url, asked, headers=ENGLISH)
    assert "Name the currency" in str(answer.context["adminform"].form.errors)
    assert manager.post(url, asked | {"currency": "stars"}).status_code == 302
    assert LadderVersion.objects.get(pk=version.pk).counts == "stars"


@pytest.mark.parametrize("occasion", ["order", "survey"])
def test_the_simulator_tries_a_rule_in_its_own_currency(db, occasion):
    stars()
    how = {"award": "per_order"} if occasion == "order" else {}
    tried = rule("star", occasion=occasion, points=2, currency_id="stars", **how)
    sample = Sample(NOON, occasion=occasion, amount_minor=10_000)
    assert simulate_sample(sample, tried=tried).points == 2
    assert simulate_sample(sample).points == (100 if occasion == "order" else 0)
