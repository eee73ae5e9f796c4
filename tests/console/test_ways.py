"""Every list can be opened in every way it offers: what ``console_growth`` measures."""

import pytest
from django.contrib import admin
from django.db import connection
from django.test import RequestFactory

from benchmarks.console.crowd import fill
from benchmarks.console.traces import TABLES, leave_traces
from benchmarks.console.ways import ways
from tests.cast import NOON, make_member, make_user

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


def test_the_shop_of_the_benchmark_has_rows_for_every_list():
    """Its rows are written as SQL: a column they do not name is found here."""
    fill(members=200, entries=600, orders=400, now=NOON)
    leave_traces(members=200, now=NOON)
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone()[0], table
