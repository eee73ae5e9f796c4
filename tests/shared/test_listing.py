"""Lists written in SQL: narrowed, in order, page by page."""

from datetime import timedelta

import pytest

from crm.shared.audit import record_audit
from crm.shared.listing import Listing
from tests.cast import NOON

ENTRIES = Listing(
    "SELECT e.id, e.at, e.action FROM shared_auditentry e",
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


def test_an_order_goes_one_way():
    with pytest.raises(ValueError, match="both ways"):
        ENTRIES.where("true").page(("-at", "id"), (), 1)
