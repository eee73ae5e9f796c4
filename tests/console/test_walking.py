"""Lists are walked to the next and the previous page by keyset (P6-d)."""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.http import QueryDict
from django.test import RequestFactory
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from benchmarks.console.ways import sorted_by
from crm.shared.audit import AuditEntry
from crm.shared.paging import seal_cursor
from crm.shared.staff_pages import PLACE_VAR, WalkedList
from loyalty.models import EarningRule, MemberValue
from members.models import Member, User
from tests.cast import NOON, make_member, make_user
from tests.shared.estimates import expect

SIZE = 3
AUDIT = "/admin/shared/auditentry/"


def listed(model: type, query: str = ""):
    """Return a list as its page has it, in pages of three rows."""
    model_admin = admin.site._registry[model]
    request = RequestFactory().get(f"/{query}")
    request.user = User.objects.filter(is_superuser=True).first() or make_user(
        "looks", is_superuser=True, is_staff=True
    )
    per_page, most = model_admin.list_per_page, model_admin.list_max_show_all
    model_admin.list_per_page = model_admin.list_max_show_all = SIZE
    try:
        return model_admin.get_changelist_instance(request)
    finally:
        model_admin.list_per_page, model_admin.list_max_show_all = per_page, most


def keys(changelist) -> list[int]:
    return [row.pk for row in changelist.result_list]


def walk(model: type, query: str = "", way: str = "way_on") -> list[tuple]:
    """Return (number, keys, query) of every page on the way, this one first."""
    pages = []
    while query is not None:
        changelist = listed(model, query)
        pages.append((changelist.page_num, keys(changelist), query))
        assert len(pages) < 30, "It goes round in circles."
        query = getattr(changelist, way)
    return pages


def orders(model: type) -> list[str]:
    """Return the query of every order a list offers, its own first."""
    changelist = listed(model)
    columns = [
        place
        for place, name in enumerate(changelist.list_display)
        if sorted_by(changelist, name) is not None
    ]
    return ["?", *(f"?o={sign}{place}" for place in columns for sign in ("", "-"))]


def write_audit(*, minute: int = 0, actor: str = "a", action: str = "x") -> AuditEntry:
    at = NOON + timedelta(minutes=minute)
    return AuditEntry.objects.create(at=at, actor=actor, action=action)


def write_member(serial: int, day: int, spent: int | None) -> Member:
    member = make_member(serial, joined_at=NOON + timedelta(days=day))
    if spent is not None:
        MemberValue.objects.create(
            member=member, net_minor=spent, last_order_at=NOON if spent else None
        )
    return member


def assert_walks(model: type, order: str) -> None:
    """Walk to the end and back, beside the same pages by number."""
    there = walk(model, order)
    seen = [key for _number, page, _query in there for key in page]
    assert seen == list(listed(model, order).queryset.values_list("pk", flat=True))
    assert len(seen) == len(set(seen))
    back = walk(model, there[-1][2], way="way_back")
    assert [page[:2] for page in back] == [page[:2] for page in reversed(there)]
    for number, page, query in there:
        assert keys(listed(model, f"{order}&p={number}")) == page
        assert (PLACE_VAR in query) == (number > 1)


class TestRandomTables(TestCase):
    """Tables with many equal and some missing values, in every order there is."""

    @settings(
        max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    @given(
        st.lists(
            st.tuples(
                st.integers(0, 3), st.sampled_from("ab"), st.sampled_from(["x", "ÿ文"])
            ),
            max_size=11,
        )
    )
    def test_p6_d_every_row_of_a_ledger_is_met_once_there_and_back(self, rows):
        for minute, actor, action in rows:
            write_audit(minute=minute, actor=actor, action=action)
        for order in orders(AuditEntry):
            assert_walks(AuditEntry, order)

    @settings(
        max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    @given(
        st.lists(
            st.tuples(st.integers(0, 2), st.none() | st.integers(0, 2)), max_size=9
        )
    )
    def test_p6_d_members_are_met_once_by_what_some_of_them_bought(self, rows):
        for serial, (day, spent) in enumerate(rows, start=1):
            write_member(serial, day, spent)
        for order in orders(Member):
            assert_walks(Member, order)


@pytest.fixture
def trail(db):
    """Return the keys of ten entries, newest first, in four pages."""
    entries = [write_audit(minute=minute) for minute in range(10)]
    return [entry.pk for entry in reversed(entries)]


def test_p6_d_a_row_written_meanwhile_moves_nothing(trail):
    first = listed(AuditEntry)
    on = first.way_on
    newer = write_audit(minute=99)
    second = listed(AuditEntry, on)
    assert keys(second) == trail[3:6]
    before = listed(AuditEntry, second.way_back)
    assert keys(before) == trail[:3]
    # It stands before the first page now, and the way there is offered.
    assert before.page_num == 1
    start = listed(AuditEntry, before.way_back)
    assert keys(start) == [newer.pk, *trail[:2]]
    assert (start.page_num, start.way_back) == (1, None)
    assert keys(listed(AuditEntry, start.way_on)) == trail[2:5]
    # By its number, page 2 repeats what page 1 showed.
    assert keys(listed(AuditEntry, "?p=2")) == trail[2:5]


def test_p6_d_no_row_is_asked_for_by_how_many_lie_before(
    trail, django_assert_max_num_queries
):
    page = listed(AuditEntry, listed(AuditEntry).way_on)
    with django_assert_max_num_queries(10) as queries:
        page = listed(AuditEntry, page.way_on)
        assert page.way_back and page.way_on
    assert keys(page) == trail[6:9]
    assert not any("OFFSET" in query["sql"] for query in queries)
    with django_assert_max_num_queries(10) as by_number:
        assert listed(AuditEntry, "?p=3").way_on
    assert len(queries) <= len(by_number)


def test_an_estimate_that_is_too_low_does_not_end_the_walk(trail, monkeypatch):
    monkeypatch.setattr("crm.shared.paging.EstimatedCountPaginator.exact_up_to", 4)
    expect(monkeypatch, 5)
    pages = walk(AuditEntry)
    assert [page for _number, page, _query in pages][:3] == [
        trail[:3],
        trail[3:6],
        trail[6:9],
    ]
    # More pages than it promised: the last it knows is what they are called.
    assert [number for number, _page, _query in pages] == [1, 2, 2, 2]


def test_an_estimate_that_is_too_high_ends_where_the_rows_end(trail, monkeypatch):
    monkeypatch.setattr("crm.shared.paging.EstimatedCountPaginator.exact_up_to", 4)
    expect(monkeypatch, 900)
    assert [keys for _number, keys, _query in walk(AuditEntry)][-1] == trail[9:]
    assert listed(AuditEntry, "?p=4").way_on is None
    last = listed(AuditEntry, "?p=300")
    assert keys(last) == trail[-3:]
    assert last.way_on is None
    assert keys(listed(AuditEntry, last.way_back)) == trail[4:7]


def place_of(query: str) -> str:
    return QueryDict(query.removeprefix("?"))[PLACE_VAR]


def test_a_place_that_does_not_fit_is_as_if_it_were_not_there(trail):
    write_audit(actor="b")
    place = place_of(listed(AuditEntry).way_on)
    changed = place[:30] + ("A" if place[30] != "A" else "B") + place[31:]
    other = seal_cursor([2, False, 1], "another list")
    for wrong in (changed, other, "", "x", "ü", "A" * 2_000, "%00"):
        assert keys(listed(AuditEntry, f"?p=3&{PLACE_VAR}={wrong}")) == trail[6:9]
    # Of another order, another filter, another search.
    order = f"?o=-1&p=2&{PLACE_VAR}={place}"
    assert keys(listed(AuditEntry, order)) == keys(listed(AuditEntry, "?o=-1&p=2"))
    found = listed(AuditEntry, f"?q=a&p=2&{PLACE_VAR}={place}")
    assert keys(found) == keys(listed(AuditEntry, "?q=a&p=2"))


def test_a_page_whose_rows_are_gone_is_no_error(db):
    for serial in range(1, 8):
        make_member(serial)
    third = listed(Member, listed(Member).way_on).way_on
    Member.objects.filter(number__lt="M000000006").delete()
    assert 0 < len(keys(listed(Member, third))) <= SIZE


def test_links_keep_filter_search_order_and_window_and_only_they_name_a_place(db):
    for serial in range(1, 12):
        make_member(serial, state="frozen" if serial % 4 else "active")
    query = "?_popup=1&state__exact=frozen&o=-2"
    page = listed(Member, listed(Member, query).way_on)
    for way in (page.way_back, page.way_on):
        kept = QueryDict(way.removeprefix("?"))
        assert kept["state__exact"] == "frozen"
        assert kept["o"] == "-2"
        assert kept["_popup"] == "1"
        assert {row.state for row in listed(Member, way).result_list} == {"frozen"}
    assert PLACE_VAR not in page.get_query_string({"o": "1"})
    assert PLACE_VAR not in page.filter_params
    assert PLACE_VAR not in page.params


def test_where_a_column_may_be_missing_pages_are_numbers(db):
    """Rows without a value stand before or behind all others, and no value says so."""
    changelist = listed(EarningRule)
    starts = changelist.list_display.index("starts_at")
    assert listed(EarningRule, f"?o={starts}").order == []


def test_lists_that_grow_know_the_place_of_every_row(db):
    """All but small tables, which staff fill by hand, walk in all their orders."""
    make_user("looks", is_superuser=True, is_staff=True)
    by_number = {
        model._meta.label
        for model in admin.site._registry
        for order in orders(model)
        if not listed(model, order).order
    }
    assert by_number == {
        *("orders.Category", "reports.DailySales", "members.User"),
        *("loyalty.EarningRule", "loyalty.LadderVersion", "loyalty.Tier"),
        *("loyalty.Program", "loyalty.Reward", "loyalty.ReferralProgram"),
        *("campaigns.PublicCode", "campaigns.CouponTemplate", "campaigns.GroupDeal"),
        *("campaigns.Promotion", "campaigns.Segment", "shared.ServerKey"),
    }
    for model in admin.site._registry:
        assert isinstance(listed(model), WalkedList), model


@pytest.fixture
def many(shop):
    """Fill the audit trail with three pages of 25."""
    AuditEntry.objects.bulk_create(
        AuditEntry(at=NOON - timedelta(minutes=n), actor="a", action=f"deed {n:02d}")
        for n in range(60)
    )


@pytest.mark.parametrize(
    ("language", "back", "on"),
    [("en", "Previous", "Next"), ("zh-hans", "上一页", "下一页")],
)
def test_the_pager_offers_both_ways_in_both_languages(
    many, signed_in, language, back, on
):
    client = signed_in()
    client.cookies["django_language"] = language
    first = client.get(AUDIT)
    page = first.content.decode()
    assert 'rel="prev"' not in page
    assert f">{on}<" in page
    second = client.get(AUDIT + first.context["cl"].way_on)
    page = second.content.decode()
    assert 'rel="prev"' in page
    assert 'rel="next"' in page
    assert f"</span>{back}</a>" in page
    assert 'aria-current="page">2</span>' in page
    assert second.context["cl"].page_num == 2


def test_a_deed_for_all_rows_does_not_mind_the_place(many, signed_in):
    for serial in range(900, 930):
        make_member(serial)
    client = signed_in()
    members = reverse("admin:members_member_changelist")
    here = members + client.get(members).context["cl"].way_on
    chosen = {"action": "bulk_tag", "select_across": "1", "_selected_action": "1"}
    answer = client.post(here, chosen)
    assert answer.status_code == 200
    assert answer.context["count"] == Member.objects.count()
