"""Nobody can add a column about a person without saying what becomes of it."""

from collections import Counter

import pytest
from django.apps import apps
from django.db import connection

from crm.shared.fields import is_blind
from crm.shared.personal_data import (
    clear_columns,
    erase_rows,
    may_hold_text,
    nothing,
    personal_data,
)
from members.models import Member, Note
from tests.cast import NOON, make_member

SOURCES = list(personal_data())
TABLES = [table for source in SOURCES for table in source.tables]
OWNED = {table.label for table in TABLES}
REVIEWED = {label for source in SOURCES for label in source.reviewed}
MODELS = [
    model
    for model in apps.get_models(include_auto_created=True)
    if model._meta.managed and not model._meta.app_label.endswith("_tests")
]


def test_each_table_is_declared_once():
    declared = Counter(label for source in SOURCES for label in source.fields())
    assert [label for label, times in declared.items() if times > 1] == []
    assert set(declared) <= {model._meta.label for model in MODELS}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_column_that_may_be_personal_is_declared(model):
    """A member's table declares all its columns, any other those that can hold text."""
    label = model._meta.label
    known = {}
    for source in SOURCES:
        known |= source.fields().get(label, {})
    columns = [
        field
        for field in model._meta.local_concrete_fields
        if not field.primary_key and not is_blind(field)
    ]
    needed = {f.name for f in columns if label in OWNED or may_hold_text(f)}
    assert needed - set(known) == set(), "declare them in the app's personal_data.py"
    assert set(known) - {f.name for f in columns} == set(), "no such column"


def test_who_points_to_a_member_is_owned_by_a_member():
    """A table with a key of a member cannot be called reviewed and forgotten."""
    pointing = {
        model._meta.label
        for model in MODELS
        if any(field.related_model is Member for field in model._meta.fields)
    }
    assert pointing - OWNED == set()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.label)
def test_what_shall_be_cleared_can_be(table):
    columns = [table.model._meta.get_field(name) for name in table.cleared.split()]
    if not table.goes:
        for column in columns:
            nothing(column)


@pytest.mark.django_db
def test_nothing_that_shall_go_stands_in_an_append_only_table():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid "
            "WHERE tgname = 'append_only_rows'"
        )
        fixed = {name for (name,) in cursor.fetchall()}
    changed = {t.model._meta.db_table for t in TABLES if t.goes or t.cleared}
    assert fixed
    assert changed & fixed == set()


def test_a_new_column_is_noticed(monkeypatch):
    """The guard itself can fail: an undeclared text column of a member is missed."""
    note = next(table for table in TABLES if table.label == "members.Note")
    assert set(note.columns()) >= {"text"}
    assert may_hold_text(Note._meta.get_field("text"))
    assert not may_hold_text(Member._meta.get_field("gender"))  # choices hold codes
    assert not may_hold_text(Member._meta.get_field("phone_index"))


@pytest.mark.django_db
def test_rows_go_in_chunks_and_only_of_their_member(alice, bob):
    table = next(table for table in TABLES if table.label == "members.Note")
    for member, count in ((alice, 5), (bob, 2)):
        for n in range(count):
            Note.objects.create(member=member, text=f"note {n}", created_at=NOON)
    assert [erase_rows(table, table.of(alice.pk), limit=3) for _ in range(3)] == [
        3,
        2,
        0,
    ]
    assert Note.objects.filter(member=bob).count() == 2


@pytest.mark.django_db
def test_cleared_columns_are_empty_and_counted_once():
    member = make_member(9, name="王静", phone="+8613800001234", region="上海")
    rows = Member.objects.filter(pk=member.pk)
    names = ["name", "phone", "region"]
    assert [clear_columns(rows, names) for _ in range(2)] == [1, 0]
    member.refresh_from_db()
    assert (member.name, member.phone, member.region) == (None, None, "")
    assert (member.phone_index, member.phone_tail_index, member.name_tokens) == (
        None,
        None,
        [],
    )
