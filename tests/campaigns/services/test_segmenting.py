"""Segments: who is in them, what their members pay, coupons for all of them."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import jobs
from campaigns.models import Coupon, CouponTemplate, Promotion, Segment
from campaigns.services.issuing import TemplateNotLive
from campaigns.services.segmenting import (
    SegmentNotInUse,
    order_issue,
    refresh_segment,
    refresh_segments,
    write_segment,
)
from crm.shared.conditions import ConditionError
from crm.shared.jobs import run_job
from crm.shared.models import AuditEntry
from loyalty.models import MemberValue
from members.models import Member
from orders.models import Price, Variant
from orders.services.quoting import quote_cart, request_of_cart
from orders.services.showing_prices import shown_prices
from tests.campaigns.recipes import of_kind
from tests.cast import NOON, make_member, make_variant, put_in_state
from tests.orders.shop import fill_cart

SILENT = {"field": "loyalty.days_since_order", "is": "gte", "value": 90}
DAY = timedelta(days=1)


def segment(condition=SILENT, *, code="silent", **fields) -> Segment:
    return Segment.objects.create(code=code, name="沉睡", condition=condition, **fields)


def bought(member, days_ago: int) -> None:
    MemberValue.objects.update_or_create(
        member=member, defaults={"last_order_at": NOON - days_ago * DAY}
    )


def members_of(found: Segment) -> set[int]:
    return set(found.in_it.values_list("member_id", flat=True))


@pytest.fixture
def crowd(db):
    """Return three members: silent for 91 days, for 10, and one who never bought."""
    crowd = [make_member(n) for n in (11, 12, 13)]
    bought(crowd[0], 91)
    bought(crowd[1], 10)
    return crowd


# --- Who is in it -------------------------------------------------------------------


def test_those_for_whom_the_condition_holds_are_in_it(crowd):
    found = segment()
    assert refresh_segment(segment_id=found.pk, now=NOON) == 1
    found.refresh_from_db()
    assert members_of(found) == {crowd[0].pk}
    assert (found.members_count, found.refreshed_at) == (1, NOON)


def test_who_stays_keeps_the_day_they_came_and_who_goes_is_gone(crowd):
    found = segment()
    refresh_segment(segment_id=found.pk, now=NOON)
    bought(crowd[1], 100)
    refresh_segment(segment_id=found.pk, now=NOON + DAY)
    since = dict(found.in_it.values_list("member_id", "since"))
    assert since == {crowd[0].pk: NOON, crowd[1].pk: NOON + DAY}
    bought(crowd[0], -1)
    refresh_segment(segment_id=found.pk, now=NOON + DAY)
    assert members_of(found) == {crowd[1].pk}


@pytest.mark.parametrize("state", ["closed", "merged", "erased"])
def test_who_left_is_in_no_segment(crowd, state):
    everybody = segment({})
    put_in_state(crowd[2], state)
    left = set(Member.objects.filter(state=state).values_list("pk", flat=True))
    refresh_segment(segment_id=everybody.pk, now=NOON)
    assert members_of(everybody) == set(
        Member.objects.exclude(pk__in=left).values_list("pk", flat=True)
    )


def test_nobody_is_in_a_segment_that_is_off(crowd):
    found = segment({})
    refresh_segment(segment_id=found.pk, now=NOON)
    Segment.objects.filter(pk=found.pk).update(is_active=False)
    assert refresh_segment(segment_id=found.pk, now=NOON) == 0
    assert not members_of(found)


def test_looking_takes_as_many_statements_for_many_as_for_few(crowd):
    found = segment({})

    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            refresh_segment(segment_id=found.pk, now=NOON)
        return len(captured)

    few = statements()
    for number in range(100, 160):
        make_member(number)
    assert statements() == few
    assert len(members_of(found)) == 63


def test_one_that_asks_about_nothing_known_keeps_the_others_from_nothing(crowd):
    broken = segment({"field": "shoe.size", "is": "eq", "value": 40}, code="broken")
    found = segment()
    assert refresh_segments(now=NOON) == 1
    assert members_of(found) == {crowd[0].pk}
    with pytest.raises(ConditionError):
        refresh_segment(segment_id=broken.pk, now=NOON)


def test_writing_a_segment_is_written_down_and_looks_who_is_in_it(crowd, dana):
    wanted = Segment(code="silent", name="沉睡", condition=SILENT)
    job = write_segment(segment=wanted, actor=dana, now=NOON)
    run_job(job.pk)
    job.refresh_from_db()
    assert job.result == {"members": 1}
    assert members_of(wanted) == {crowd[0].pk}
    assert AuditEntry.objects.filter(action="segments.create").count() == 1


def test_a_segment_that_asks_nonsense_is_not_written(db, dana):
    with pytest.raises(ConditionError):
        wanted = Segment(code="x", name="x", condition={"all": []})
        write_segment(segment=wanted, actor=dana, now=NOON)
    assert not Segment.objects.exists()


# --- What its members pay -----------------------------------------------------------


@pytest.fixture
def silent(crowd):
    """Return a segment with one member, and a tenth off for it."""
    found = segment()
    refresh_segment(segment_id=found.pk, now=NOON)
    Promotion.objects.create(
        name="回来",
        state="live",
        starts_at=NOON,
        **of_kind("percent", {"percent_bp": 1_000}, when={"audience": [found.mark]}),
    )
    make_variant("COAT", 40_000, on_hand=9)
    return found


def test_a_promotion_for_a_segment_is_for_its_members_only(silent, crowd):
    taken = [
        quote_cart(cart=fill_cart({"COAT": 1}, member=member), now=NOON).discount_minor
        for member in (*crowd, None)
    ]
    assert taken == [4_000, 0, 0, 0]


def test_price_lists_show_it_to_its_members_only(silent, crowd):
    Promotion.objects.update(kind="member_price")
    request = request_of_cart(cart=fill_cart({"COAT": 1}), now=NOON)
    shown = [
        shown_prices(lines=request.lines, member_id=member.pk, now=NOON)[0].price
        for member in crowd[:2]
    ]
    assert [price.amount_minor for price in shown] == [36_000, 40_000]


def test_a_price_may_be_for_a_segment(silent, crowd):
    Promotion.objects.update(state="ended")
    Price.objects.create(
        variant=Variant.objects.get(sku="COAT"),
        kind="member",
        audience=silent.mark,
        amount_minor=30_000,
        starts_at=NOON,
        created_at=NOON,
    )
    paid = [
        quote_cart(cart=fill_cart({"COAT": 1}, member=member), now=NOON).goods_minor
        for member in (*crowd[:2], None)
    ]
    assert paid == [30_000, 40_000, 40_000]


def test_a_quote_still_takes_three_statements(silent, crowd):
    cart = fill_cart({"COAT": 1}, member=crowd[0])
    quote_cart(cart=cart, now=NOON)
    with CaptureQueriesContext(connection) as captured:
        assert quote_cart(cart=cart, now=NOON).discount_minor == 4_000
    assert len(captured) == 3


def test_no_quote_reads_segments_where_nothing_asks(crowd):
    make_variant("COAT", 40_000, on_hand=9)
    cart = fill_cart({"COAT": 1}, member=crowd[0])
    quote_cart(cart=cart, now=NOON)
    with CaptureQueriesContext(connection) as captured:
        quote_cart(cart=cart, now=NOON)
    assert not any("segmentmember" in each["sql"] for each in captured)


# --- Coupons for all of them ----------------------------------------------------------


def issued(template) -> set[int]:
    return set(
        Coupon.objects.filter(template=template).values_list("member", flat=True)
    )


def test_everybody_in_it_gets_a_coupon_once_a_day(crowd, template, dana, monkeypatch):
    monkeypatch.setattr("campaigns.jobs._MEMBERS", 2)
    template.stock = None
    template.save()
    everybody = segment({})
    refresh_segment(segment_id=everybody.pk, now=NOON)

    def give(now):
        job = order_issue(
            segment_id=everybody.pk, template_id=template.pk, actor=dana, now=now
        )
        run_job(job.pk)
        job.refresh_from_db()
        return job.result

    assert give(NOON) == {"issued": 3, "had_it": 0, "too_late": 0}
    assert give(NOON) == {"issued": 0, "had_it": 3, "too_late": 0}
    assert issued(template) == {member.pk for member in crowd}
    assert give(NOON + DAY) == {"issued": 3, "had_it": 0, "too_late": 0}


def test_where_the_stock_runs_out_the_rest_get_none(crowd, template, dana):
    everybody = segment({})
    refresh_segment(segment_id=everybody.pk, now=NOON)
    job = order_issue(
        segment_id=everybody.pk, template_id=template.pk, actor=dana, now=NOON
    )
    run_job(job.pk)
    job.refresh_from_db()
    assert job.result == {"issued": 2, "had_it": 0, "too_late": 1}


def test_nobody_gets_anything_through_a_segment_that_is_off(db, template, dana):
    off = segment({}, is_active=False)
    with pytest.raises(SegmentNotInUse):
        order_issue(segment_id=off.pk, template_id=template.pk, actor=dana, now=NOON)


def test_1_11_who_left_since_the_segment_was_looked_at_gets_nothing(
    crowd, endless, dana
):
    everybody = segment({})
    refresh_segment(segment_id=everybody.pk, now=NOON)
    put_in_state(crowd[0], "closed")
    job = order_issue(
        segment_id=everybody.pk, template_id=endless.pk, actor=dana, now=NOON
    )
    run_job(job.pk)
    job.refresh_from_db()
    assert job.result == {"issued": 2, "had_it": 0, "too_late": 0}
    assert crowd[0].pk not in issued(endless)


def test_1_7_a_template_that_ends_midway_gives_out_no_more(
    crowd, endless, dana, monkeypatch
):
    monkeypatch.setattr("campaigns.jobs._MEMBERS", 1)
    everybody = segment({})
    refresh_segment(segment_id=everybody.pk, now=NOON)
    job = order_issue(
        segment_id=everybody.pk, template_id=endless.pk, actor=dana, now=NOON
    )
    give = jobs.issue_to_members

    def give_and_end(**how):
        report = give(**how)
        CouponTemplate.objects.update(state="ended")
        return report

    monkeypatch.setattr(jobs, "issue_to_members", give_and_end)
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, len(issued(endless))) == ("failed", 1)
    assert "coupon_template_not_live" in job.error
    with pytest.raises(TemplateNotLive):
        order_issue(
            segment_id=everybody.pk, template_id=endless.pk, actor=dana, now=NOON
        )
