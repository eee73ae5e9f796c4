"""Every list can be opened in every way it offers: what ``console_growth`` measures."""

import pytest
from django.contrib import admin
from django.test import RequestFactory

from benchmarks.console.ways import ways
from tests.cast import make_member, make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "model", sorted(admin.site._registry, key=lambda model: model._meta.label)
)
def test_each_way_is_known(model):
    make_member(1)
    request = RequestFactory().get("/")
    request.user = make_user("looks", is_superuser=True, is_staff=True)
    found = dict(ways(request, admin.site._registry[model]))
    assert {"first page", "page 3", "last page"} <= set(found)
