"""Lists of a new shop say what they are for; a search that finds nothing says that."""

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils.html import escape

from crm.shared.staff_lists import StaffAdmin
from tests.cast import make_user

ADMINS = {model._meta.label_lower: each for model, each in admin.site._registry.items()}


@pytest.fixture
def boss(client, db):
    login = make_user("boss", is_staff=True, is_superuser=True)
    client.force_login(login, backend="django.contrib.auth.backends.ModelBackend")
    return client


def shown(client, label: str, query: str = "") -> str:
    url = reverse(f"admin:{label.replace('.', '_')}_changelist")
    return client.get(url + query).content.decode()


def test_every_list_says_what_it_is_for():
    silent = {label for label, each in ADMINS.items() if not each.when_empty}
    assert not silent


@pytest.mark.parametrize("label", ADMINS)
def test_a_new_list_says_what_it_is_for(label, boss):
    text = str(ADMINS[label].when_empty)
    assert text.endswith(".")
    page = shown(boss, label)
    if ADMINS[label].model._default_manager.exists():
        # A new shop has some: its program, its first ladder, whoever is looking.
        assert escape(text) not in page
        return
    assert escape(text) in page
    assert "Nothing here yet" in page
    assert "Nothing fits" not in page


def test_what_is_searched_in_vain_is_another_thing(boss):
    page = shown(boss, "orders.refund", "?q=ref_none")
    assert "Nothing fits" in page
    assert str(ADMINS["orders.refund"].when_empty) not in page
    page = shown(boss, "orders.refund", "?state__exact=completed")
    assert "Nothing fits" in page


def test_lists_one_adds_to_offer_that(boss):
    page = shown(boss, "orders.freightrule")
    assert "Nothing here yet" in page
    assert reverse("admin:orders_freightrule_add") in page
    assert "Add freight rule" in page


def test_every_list_of_the_console_knows_the_way():
    strangers = {
        label
        for label, each in ADMINS.items()
        if not isinstance(each, StaffAdmin) and label not in {"auth.group"}
    }
    assert not strangers
