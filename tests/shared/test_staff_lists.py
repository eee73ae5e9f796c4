"""Headings of lists that grow: only those that an index serves sort."""

import pytest
from django.contrib import admin
from django.db import connection
from django.test import RequestFactory

from campaigns.models import Message
from crm.care.models import Ticket
from crm.shared.models import Fact
from crm.shared.staff_lists import GrowingAdmin, indexed_fields
from loyalty.models import PointsAccount, PointsEntry
from members.models import Consent
from tests.cast import make_member, make_user


def sortable(model) -> set[str]:
    return set(admin.site._registry[model].get_sortable_by(None))


@pytest.mark.parametrize(
    ("model", "columns"),
    [
        (PointsEntry, {"occurred_at"}),
        (PointsAccount, {"balance"}),
        (Message, {"created_at"}),
        (Fact, {"id", "name", "recorded_at"}),
        (Consent, {"channel", "purpose"}),
        (Ticket, {"public_id"}),
    ],
)
def test_a_list_sorts_by_the_first_column_of_an_index_alone(model, columns):
    assert sortable(model) == columns


def test_a_partial_index_and_a_relation_serve_no_heading():
    served = indexed_fields(Message)
    assert "send_after" not in served  # of what waits only
    assert "member" not in served  # would go by the other table
    assert {"id", "public_id", "dedupe_key", "created_at"} <= served


def test_every_heading_that_sorts_has_its_index_in_the_database(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.relname, a.attname FROM pg_index i "
            "JOIN pg_class t ON t.oid = i.indrelid "
            "JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0] "
            "WHERE i.indpred IS NULL"
        )
        indexed = set(cursor.fetchall())
    for model, model_admin in admin.site._registry.items():
        if isinstance(model_admin, GrowingAdmin):
            for column in sortable(model):
                order = getattr(model_admin, column, None)
                field = str(getattr(order, "admin_order_field", None) or column)
                assert (model._meta.db_table, field) in indexed, (model, column)


@pytest.mark.parametrize(
    ("model", "heading", "order"),
    [
        (PointsAccount, "balance", ["balance", "-member_id"]),
        (PointsAccount, "-balance", ["-balance", "member_id"]),
        (PointsEntry, "occurred_at", ["occurred_at", "id"]),
        (Fact, "name", ["name", "recorded_at"]),
    ],
)
def test_a_heading_goes_along_its_index_either_way(db, model, heading, order):
    """What is equal in the column stands as in the index: nothing is left to sort."""
    model_admin = admin.site._registry[model]
    place = model_admin.list_display.index(heading.removeprefix("-"))
    request = RequestFactory().get(
        "/", {"o": f"{'-' if heading.startswith('-') else ''}{place}"}
    )
    request.user = make_user("looks", is_superuser=True, is_staff=True)
    changelist = model_admin.get_changelist_instance(request)
    found = [str(each) for each in changelist.queryset.query.order_by]
    assert found[: len(order)] == order


def test_a_search_in_another_table_is_no_join(db):
    make_member(7)
    model_admin = admin.site._registry[PointsEntry]
    rows = PointsEntry.objects.order_by("-id")
    for text in ("M010000007", "m999999999", "pen_nobody"):
        found, _again = model_admin.get_search_results(None, rows, text)
        assert set(found.query.alias_map) <= {PointsEntry._meta.db_table}, text
        assert not found
