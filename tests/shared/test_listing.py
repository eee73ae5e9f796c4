"""Lists written in SQL: narrowed, in order, page by page."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.shared.audit import record_audit
from crm.shared.counting import Count, counted
from crm.shared.listing import Listing
from tests.cast import NOON

ENTRIES = Listing(
    "SELECT e.id, e.at, e.action",
    "FROM shared_auditentry e",
    lambda *columns: columns,
    {"id": "e.id", "at": "e.at"},
)
NEWEST = ("-at", "-id")


@pytest.fixture
def trail(db):
    for minute, action in enumerate(("a.a", "a.b", "a.a", "a.b", "a.a")):
        record_audit(actor=None, action=action, now=NOON + timedelta(minutes=minute))


def minutes(rows) -> list[int]:
    return [(at - NOON) // timedelta(minutes=1) for _id, at, _action in rows]


@pytest.mark.parametrize("entries", [ENTRIES, ENTRIES.unplanned()])
def test_a_page_begins_behind_a_row(trail, entries, django_assert_num_queries):
    asked = entries.where("e.action = %(action)s", action="a.a")
    with django_assert_num_queries(1):
        first = asked.page(NEWEST, (), 2)
    assert minutes(first) == [4, 2]
    behind = (first[-1][1], first[-1][0])
    assert minutes(asked.page(NEWEST, behind, 2)) == [0]
    assert minutes(asked.page(("at", "id"), behind, 2)) == [4]


def test_narrowing_leaves_the_list_as_it_was(trail):
    either = ENTRIES.where("e.action IN (%(a)s, %(b)s)", a="a.a", b="a.b")
    one = either.where("e.at = %(at)s", at=NOON)
    assert minutes([one.first()]) == [0]
    assert minutes(either.page(NEWEST, (), 9)) == [4, 3, 2, 1, 0]
    assert either.where("e.at < %(at)s", at=NOON).first() is None


def test_no_rows_are_not_asked_for(trail, django_assert_num_queries):
    none = ENTRIES.where("e.action = %(action)s", action="a.a").none()
    with django_assert_num_queries(0):
        assert none.page(NEWEST, (), 9) == []
        assert none.first() is None


def test_rows_are_counted_as_far_as_that_is_cheap(trail):
    some = ENTRIES.where("e.action = %(action)s", action="a.a")
    assert counted(some, exact_up_to=3) == Count(3, is_exact=True)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE shared_auditentry")
    with CaptureQueriesContext(connection) as queries:
        assert counted(some, exact_up_to=2) == Count(3, is_exact=False)
        assert counted(some.none(), exact_up_to=2) == Count(0, is_exact=True)
    (one,) = queries
    assert one["sql"].startswith("EXPLAIN (ANALYZE")
    assert one["sql"].endswith("LIMIT 3")


@pytest.mark.parametrize("wanted", [[0], range(1, 8), range(1, 30)])
def test_what_is_worked_out_before_the_rows_is_not_counted(trail, wanted):
    """A clause with a question of its own, of which PostgreSQL knows little."""
    sought = ENTRIES.where(
        """e.action = (SELECT action FROM shared_auditentry ORDER BY id LIMIT 1)
        AND length(e.action) = (SELECT 3) AND 3 <> ALL (%(ids)s)""",
        ids=list(wanted),
    )
    if 3 in wanted:
        assert counted(sought, exact_up_to=2) == Count(0, is_exact=True)
    else:
        assert counted(sought, exact_up_to=3) == Count(3, is_exact=True)
        found = counted(sought, exact_up_to=1)
        assert not found.is_exact
        assert found.rows >= 2


def test_what_is_counted_is_not_worked_out(trail):
    """Counting a list leaves its columns alone, however dear they are."""
    dear = Listing(
        "SELECT e.id, e.at, (SELECT count(*) FROM shared_auditentry)",
        ENTRIES.tables,
        lambda *columns: columns,
        ENTRIES.columns,
    ).where("true")
    text, params = dear.keys()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {text}", params)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Aggregate" not in plan


def test_an_order_goes_one_way():
    with pytest.raises(ValueError, match="both ways"):
        ENTRIES.where("true").page(("-at", "id"), (), 1)
