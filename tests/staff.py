"""Who works in the console, signed in as the console asks for it."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.models import Group
from django.test import Client, RequestFactory

from crm.console.services.roles import sync_roles
from members.models import User
from tests.cast import make_user

_BACKEND = "django.contrib.auth.backends.ModelBackend"


def client_of(user: User) -> Client:
    """Return a client signed in with a password, without a second factor."""
    client = Client()
    client.force_login(user, backend=_BACKEND)
    return client


def only_read() -> dict[ModelAdmin, set[Any]]:
    """Return the fields that pages show the owner and nobody may change."""
    request = RequestFactory().get("/")
    request.user = User(pk=1, is_superuser=True, is_active=True, is_staff=True)
    found = {}
    for model, page in admin.site._registry.items():
        row = model(pk=1)
        shown = flatten_fieldsets(page.get_fieldsets(request, row))
        fixed = page.get_readonly_fields(request, row)
        may_change = page.has_change_permission(request, row)
        found[page] = {each for each in shown if not may_change or each in fixed}
    return found


def client_in_role(role: str) -> Client:
    """Return a client of a new member of staff who has this role alone, or none."""
    sync_roles()
    user = make_user(f"staff-{role}".replace(" ", "-"), is_staff=True)
    user.groups.set(Group.objects.filter(name=role))
    return client_of(user)
