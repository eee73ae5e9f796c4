"""Freight rules in the console: who may set them, and how they read."""

import pytest
from django.urls import reverse

from crm.shared.models import AuditEntry
from orders.models import FreightRule

ADD = {
    "name": "Near",
    "is_active": "on",
    "provinces": "上海市, 江苏,上海",
    "priority": "1",
    "first_minor": "6.00",
    "first_grams": "1000",
    "step_minor": "2",
    "step_grams": "500",
    "free_from_minor": "99",
}


@pytest.fixture
def where():
    return reverse("admin:orders_freightrule_add")


@pytest.mark.parametrize("role", ["owner", "marketer"])
def test_who_sells_sets_a_rule_and_it_reads_as_a_sentence(signed_in, where, role):
    answer = signed_in(role).post(where, ADD)
    assert answer.status_code == 302, answer.content
    rule = FreightRule.objects.get(name="Near")
    assert rule.provinces == ["上海市", "江苏"], "each province once"
    assert AuditEntry.objects.filter(
        object_type__iexact="orders.freightrule", object_id=str(rule.pk)
    ).exists()
    page = signed_in("owner").get(reverse("admin:orders_freightrule_changelist"))
    text = page.content.decode()
    assert "上海市, 江苏" in text
    assert "¥6.00 up to 1000 g, then ¥2.00 for each 500 g; free from ¥99.00" in text


@pytest.mark.parametrize(
    "bad",
    [
        {"first_minor": "-1"},
        {"step_grams": "0"},
        {"first_minor": ""},
        {"name": ""},
        {"free_from_minor": "-5"},
        {"first_minor": "6.005"},
        {"step_minor": "two"},
    ],
)
def test_what_no_shop_can_mean_is_refused(signed_in, where, bad):
    answer = signed_in("owner").post(where, ADD | bad)
    assert answer.status_code == 200
    assert not FreightRule.objects.filter(name__in=["Near", ""]).exists()


@pytest.mark.parametrize("role", ["support", "finance", "analyst", "nobody"])
def test_others_do_not(signed_in, where, role):
    assert signed_in(role).post(where, ADD).status_code == 403
    assert not FreightRule.objects.filter(name="Near").exists()
