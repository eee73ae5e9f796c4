from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.shared.audit import record_audit
from crm.shared.models import AuditEntry
from crm.shared.paging import (
    EstimatedCountPaginator,
    InvalidCursor,
    open_cursor,
    seal_cursor,
)
from tests.shared.estimates import expect
from tests.shared.outbox_cast import NOON

pytestmark = pytest.mark.urls("tests.shared.api_cast")


@pytest.fixture
def trail(db):
    """25 entries, many at the same moment, newest first as (at, id)."""
    for number in range(25):
        record_audit(
            actor=None, action="a.b", now=NOON + timedelta(minutes=number // 7)
        )
    rows = AuditEntry.objects.order_by("-at", "-id")
    return list(rows.values_list("id", flat=True))


def get(query=""):
    answer = Client().get(f"/api/trail{query}")
    body = answer.json()
    return [row["id"] for row in body["data"]], body["page"], answer


@pytest.mark.parametrize("limit", [1, 7, 10, 24, 25, 26])
def test_walks_there_and_back_without_gap_or_repeat(trail, limit):
    seen, pages, query = [], [], f"?limit={limit}"
    while True:
        ids, page, _answer = get(query)
        seen += ids
        pages.append(ids)
        assert page["has_more"] == (page["next_cursor"] is not None)
        if not page["has_more"]:
            break
        query = f"?limit={limit}&cursor={page['next_cursor']}"
    assert seen == trail
    back = []
    while page["prev_cursor"]:
        ids, page, _answer = get(f"?limit={limit}&cursor={page['prev_cursor']}")
        back.append(ids)
    assert back == pages[-2::-1]


def test_defaults_and_ends(trail):
    ids, page, answer = get()
    assert ids == trail[:20]
    assert page["prev_cursor"] is None
    link = answer["Link"]
    assert link.endswith('>; rel="next"')
    address = urlsplit(link[1 : link.index(">")])
    assert parse_qs(address.query)["cursor"] == [page["next_cursor"]]
    ids, page, answer = get(f"?cursor={page['next_cursor']}")
    assert ids == trail[20:]
    assert (page["has_more"], page["next_cursor"]) == (False, None)
    assert answer["Link"].endswith('>; rel="prev"')


def test_an_empty_list(db):
    ids, page, answer = get()
    assert ids == []
    assert page == {"has_more": False, "next_cursor": None, "prev_cursor": None}
    assert "Link" not in answer


def test_rows_that_come_in_between_move_nothing(trail):
    _ids, page, _answer = get("?limit=10")
    record_audit(actor=None, action="a.b", now=NOON + timedelta(days=1))
    ids, _page, _answer = get(f"?limit=10&cursor={page['next_cursor']}")
    assert ids == trail[10:20]


def test_never_counts(trail):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        get("?limit=5")
    assert len(queries) == 1
    assert "COUNT" not in queries[0]["sql"].upper()


def test_counts_for_who_asks(trail, monkeypatch):
    _ids, page, _answer = get("?limit=5&include=total")
    assert page["total"] == {"count": 25, "exact": True}
    _ids, later, _answer = get(f"?include=total&cursor={page['next_cursor']}")
    assert later["total"] == page["total"]
    monkeypatch.setattr("crm.shared.paging.COUNTED_EXACTLY", 10)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE shared_auditentry")
    with CaptureQueriesContext(connection) as queries:
        _ids, page, _answer = get("?limit=5&include=total")
    assert page["total"] == {"count": 25, "exact": False}
    _rows, total = queries
    assert total["sql"].startswith("EXPLAIN (ANALYZE")
    assert total["sql"].endswith("LIMIT 11")


def test_a_list_that_ends_on_its_first_page_is_counted_by_it(trail):
    for limit in (25, 100):
        with CaptureQueriesContext(connection) as queries:
            _ids, page, _answer = get(f"?limit={limit}&include=total")
        assert page["total"] == {"count": 25, "exact": True}
        assert len(queries) == 1
    # A last page that others came before says nothing of them.
    _ids, page, _answer = get("?limit=20&include=total")
    for direction in ("next_cursor", "prev_cursor"):
        _ids, page, _answer = get(f"?limit=20&include=total&cursor={page[direction]}")
        assert page["total"] == {"count": 25, "exact": True}


@pytest.mark.parametrize("wanted", ["", "totals", "total,total"])
def test_what_is_to_be_included_is_a_word_of_the_list(db, wanted):
    answer = Client().get("/api/trail", {"include": wanted})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/include"


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "", "1.5", "٣", "9999"])
def test_a_limit_out_of_range_is_refused(db, limit):
    answer = Client().get("/api/trail", {"limit": limit})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/limit"


@pytest.mark.parametrize("cursor", ["", "x", "ü", "A" * 2000, "=", "QUJD", "a b"])
def test_a_made_up_cursor_is_refused(db, cursor):
    answer = Client().get("/api/trail", {"cursor": cursor})
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_cursor"


def test_a_cursor_belongs_to_its_list(trail):
    _ids, page, _answer = get("?limit=5")
    answer = Client().get("/api/other-trail", {"cursor": page["next_cursor"]})
    assert answer.json()["code"] == "invalid_cursor"


def test_a_cursor_tells_nothing_and_cannot_be_altered():
    values = [False, NOON, date(2026, 1, 1), Decimal("1.50"), 7, "文"]
    cursor = seal_cursor(values, "list")
    assert open_cursor(cursor, "list") == values
    for place in range(len(cursor) - 1):  # The last character holds spare bits.
        other = "A" if cursor[place] != "A" else "B"
        with pytest.raises(InvalidCursor):
            open_cursor(cursor[:place] + other + cursor[place + 1 :], "list")
    with pytest.raises(InvalidCursor):
        open_cursor(cursor, "other")


def test_counts_exactly_while_that_is_cheap(trail):
    pages = EstimatedCountPaginator(AuditEntry.objects.order_by("id"), 10)
    assert (pages.count, pages.is_estimate, pages.num_pages) == (25, False, 3)


def test_estimates_beyond_and_never_counts_the_rest(trail, monkeypatch):
    monkeypatch.setattr(EstimatedCountPaginator, "exact_up_to", 10)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE shared_auditentry")
    rows = AuditEntry.objects.order_by("id")
    pages = EstimatedCountPaginator(rows, 10)
    with CaptureQueriesContext(connection) as queries:
        assert pages.count == 25  # Freshly analysed: the estimate is right.
        assert pages.is_estimate
    (one,) = queries
    assert one["sql"].startswith("EXPLAIN (ANALYZE")
    assert one["sql"].endswith("LIMIT 11")


def test_the_last_page_of_an_estimate_is_read_from_the_end(trail, monkeypatch):
    monkeypatch.setattr(EstimatedCountPaginator, "exact_up_to", 10)
    expect(monkeypatch, 41)
    pages = EstimatedCountPaginator(AuditEntry.objects.order_by("-at", "-id"), 10)
    with CaptureQueriesContext(connection) as queries:
        last = [entry.pk for entry in pages.page(5)]
    assert last == trail[-10:]
    assert not any("OFFSET" in query["sql"] for query in queries)
    assert [entry.pk for entry in pages.page(2)] == trail[10:20]


def test_an_estimate_is_never_below_what_was_seen(trail, monkeypatch):
    monkeypatch.setattr(EstimatedCountPaginator, "exact_up_to", 10)
    expect(monkeypatch, 3)
    assert EstimatedCountPaginator(AuditEntry.objects.order_by("id"), 10).count == 11


def test_lists_and_empty_querysets_are_counted_plainly(db):
    assert EstimatedCountPaginator([1, 2, 3], 2).count == 3
    assert EstimatedCountPaginator(AuditEntry.objects.none(), 2).count == 0
    nobody = AuditEntry.objects.filter(pk__in=[]).order_by("id")
    assert EstimatedCountPaginator(nobody, 2).count == 0
