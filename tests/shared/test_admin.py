from datetime import UTC, datetime

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.messages.storage.fallback import FallbackStorage
from django.test import RequestFactory

from crm.shared.admin import AuditedAdmin, ReadOnlyAdmin
from crm.shared.models import AuditEntry
from members.models import Member

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("use_keys")]


class MemberPage(AuditedAdmin):
    """An audited page of members."""

    fields = ["number", "name", "language", "joined_at"]


@pytest.fixture
def dana():
    return get_user_model().objects.create(
        username="dana", is_staff=True, is_superuser=True
    )


@pytest.fixture
def page():
    return MemberPage(Member, admin.AdminSite())


@pytest.fixture
def member():
    return Member.objects.create(
        number="10007", name="Ann Lee", joined_at=datetime(2026, 1, 1, tzinfo=UTC)
    )


def post(dana, **data):
    request = RequestFactory().post("/", data)
    request.user = dana
    request.session = {}
    request._messages = FallbackStorage(request)
    request._dont_enforce_csrf_checks = True
    return request


def form_data(**changes):
    return {
        "number": "10007",
        "name": "Ann Lee",
        "language": "zh-hans",
        "joined_at_0": "2026-01-01",
        "joined_at_1": "08:00:00",
        "_save": "1",
        **changes,
    }


def save(page, request, obj=None):
    """Do what the change view does once a form is valid."""
    form_class = page.get_form(request, obj, change=obj is not None)
    form = form_class(request.POST, instance=obj)
    assert form.is_valid(), form.errors
    saved = page.save_form(request, form, change=obj is not None)
    page.save_model(request, saved, form, obj is not None)
    message = page.construct_change_message(request, form, [], obj is None)
    if obj is None:
        page.log_addition(request, saved, message)
    else:
        page.log_change(request, saved, message)
    return saved


def test_adding_is_recorded(page, dana):
    saved = save(page, post(dana, **form_data()))
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action) == ("dana", "members.member.add")
    assert (entry.object_type, entry.object_id) == ("members.Member", saved.public_id)


def test_changing_records_field_names_and_no_values(page, dana, member):
    save(page, post(dana, **form_data(name="Eve Ray")), member)
    entry = AuditEntry.objects.get()
    assert entry.action == "members.member.change"
    assert entry.detail == {"changed": ["name"]}
    everything = str(AuditEntry.objects.values().get())
    assert "Eve" not in everything
    assert "Ann" not in everything


def test_saving_without_a_change_is_no_deed(page, dana, member):
    save(page, post(dana, **form_data()), member)
    assert not AuditEntry.objects.exists()


def test_deleting_is_recorded_for_each_row(page, dana, member):
    page.log_deletions(post(dana), Member.objects.all())
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_id, entry.detail) == (
        "members.member.delete",
        member.public_id,
        {},
    )


def test_read_only_refuses_everything_but_looking(dana):
    class Page(ReadOnlyAdmin, AuditedAdmin):
        pass

    page, request = Page(Member, admin.AdminSite()), post(dana)
    assert page.has_view_permission(request)
    assert not page.has_add_permission(request)
    assert not page.has_change_permission(request)
    assert not page.has_delete_permission(request)
    assert page.get_actions(request) == {}
