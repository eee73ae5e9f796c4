"""Every list can be opened in every way it offers: what ``console_growth`` measures."""

import pytest
from django.contrib import admin
from django.db import connection
from django.test import RequestFactory

from benchmarks.console.crowd import TABLES as FILLED
from benchmarks.console.crowd import fill, people
from benchmarks.console.traces import TABLES, leave_traces
from benchmarks.console.ways import ways
from crm.shared.blind_index import blind_lookup
from members.models import Member
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


def rows(sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


#: (table, its column, the table and the column that it points at).
POINTERS = """SELECT conrelid::regclass, a.attname, confrelid::regclass, b.attname
    FROM pg_constraint
    JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = conkey[1]
    JOIN pg_attribute b ON b.attrelid = confrelid AND b.attnum = confkey[1]
    WHERE contype = 'f'"""
#: Indexes and constraints. A condition made again is spelt in another way.
KEPT = """SELECT tablename, regexp_replace(indexdef, ' WHERE .*', ' WHERE')
    FROM pg_indexes UNION ALL SELECT conrelid::regclass::text, conname || pg_get_constraintdef(oid)
    FROM pg_constraint ORDER BY 1, 2"""


def test_the_shop_of_the_benchmark_has_rows_for_every_list():
    """Its rows are written as SQL: a column they do not name is found here."""
    before = rows(KEPT)
    fill(members=200, entries=500, orders=400, now=NOON)
    leave_traces(members=200, now=NOON)
    for table in (*FILLED, *TABLES):
        assert rows(f"SELECT count(*) FROM {table}") != [(0,)], table
    # They were written without indexes and checks: nothing of that is left.
    assert rows(KEPT) == before
    assert rows("SHOW session_replication_role") == [("origin",)]
    for table, column, other, key in rows(POINTERS):
        lost = f"""SELECT {column} FROM {table} WHERE {column} IS NOT NULL
                   EXCEPT SELECT {key} FROM {other}"""
        assert rows(lost) == [], (table, column)


def test_the_books_of_the_benchmark_agree_and_its_people_are_found():
    fill(members=200, entries=500, orders=400, now=NOON)
    assert rows("""SELECT member_id, balance, lifetime_earned, seq
                FROM loyalty_pointsaccount ORDER BY 1""") == rows("""SELECT account_id, sum(points), sum(points), max(seq)
                   FROM loyalty_pointsentry GROUP BY 1 ORDER BY 1""")
    *_before, somebody = people(77)
    for name, text in [
        ("phone_index", somebody.phone),
        ("phone_tail_index", somebody.phone[-4:]),
        ("email_index", somebody.email),
    ]:
        found = Member.objects.filter(blind_lookup(Member, name, text))
        assert somebody.serial in found.values_list("pk", flat=True)
    member = Member.objects.get(pk=somebody.serial)
    assert (member.name, member.phone) == (somebody.name, somebody.phone)
