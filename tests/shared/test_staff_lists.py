"""Headings of lists that grow: only those that an index serves sort."""

import pytest
from django.contrib import admin
from django.db import connection

from campaigns.models import Message
from crm.care.models import Ticket
from crm.shared.models import Fact
from crm.shared.staff_lists import GrowingAdmin, indexed_fields
from loyalty.models import PointsAccount, PointsEntry
from members.models import Consent


def sortable(model) -> set[str]:
    return set(admin.site._registry[model].get_sortable_by(None))


@pytest.mark.parametrize(
    ("model", "columns"),
    [
        (PointsEntry, {"occurred_at"}),
        (PointsAccount, {"balance"}),
        (Message, {"created_at"}),
        (Fact, {"id", "name"}),
        (Consent, set()),
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
