from datetime import UTC, date, datetime, timedelta

import pytest

from crm.reports.models import DailySales
from crm.reports.queries import (
    Kpi,
    Repurchase,
    Sales,
    data_span,
    kpis,
    repurchase,
    sales_between,
    sales_by_channel,
    sales_by_month,
)
from crm.reports.services.rollups import refresh_recent, refresh_rollups
from crm.reports.subscribers import refresh_after_import, refresh_after_late_order
from orders.models import Adjustment, Order, Refund, UnmatchedReturn
from tests.cast import NOON, make_channel, make_variant

#: Shanghai is eight hours ahead: 15:59 and 16:00 UTC are two days of the shop.
LAST_MINUTE = datetime(2026, 11, 20, 15, 59, tzinfo=UTC)
FIRST_MINUTE = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
MIDNIGHT_BEFORE, MIDNIGHT_AFTER = date(2026, 11, 20), date(2026, 11, 21)


def order(minor, at, *, member=None, channel=None, paid=True, state="paid"):
    number = f"T{Order.objects.count()}"
    return Order.objects.create(
        number=number,
        member=member,
        channel=channel,
        state=state,
        currency="CNY",
        goods_minor=minor,
        total_minor=minor,
        paid_minor=minor if paid else 0,
        placed_at=at,
        paid_at=at if paid else None,
    )


def refund(of, minor, at, state="completed"):
    return Refund.objects.create(
        order=of, amount_minor=minor, state=state, requested_at=at, completed_at=at
    )


def unmatched(minor, at, row=1):
    return UnmatchedReturn.objects.create(
        source="file",
        external_ref="C1",
        source_row=row,
        variant=make_variant(f"S{row}", 100),
        kind="goods",
        quantity=1,
        amount_minor=minor,
        reason="no_purchase",
        occurred_at=at,
    )


def adjustment(minor, at, row=1):
    return Adjustment.objects.create(
        source="file",
        external_ref="A1",
        source_row=row,
        kind="bad_debt",
        amount_minor=minor,
        occurred_at=at,
    )


def rows():
    return {
        (r.day, r.channel and r.channel.code): (
            r.orders,
            r.buyers,
            r.sales_minor,
            r.refunds_minor,
            r.adjustments_minor,
        )
        for r in DailySales.objects.select_related("channel")
    }


def test_x3_days_are_days_of_the_shop_and_sales_count_where_they_were_placed(
    alice, bob
):
    web, store = make_channel("web"), make_channel("store")
    order(1000, LAST_MINUTE, member=alice, channel=web)
    order(500, LAST_MINUTE, member=alice, channel=web)
    order(250, FIRST_MINUTE, member=bob, channel=web, state="refunded")
    order(70, FIRST_MINUTE, channel=store)
    order(9999, FIRST_MINUTE, member=bob, channel=web, paid=False, state="pending")

    assert refresh_rollups(now=NOON) == 3

    assert rows() == {
        (MIDNIGHT_BEFORE, "web"): (2, 1, 1500, 0, 0),
        (MIDNIGHT_AFTER, "web"): (1, 1, 250, 0, 0),
        (MIDNIGHT_AFTER, "store"): (1, 0, 70, 0, 0),
    }
    assert {r.refreshed_at for r in DailySales.objects.all()} == {NOON}


def test_refunds_count_on_the_day_the_money_went_back(alice):
    web = make_channel("web")
    sold = order(1000, LAST_MINUTE, member=alice, channel=web)
    refund(sold, 300, FIRST_MINUTE)
    refund(sold, 200, FIRST_MINUTE, state="failed")
    unmatched(50, FIRST_MINUTE)
    adjustment(-11, LAST_MINUTE)

    refresh_rollups(now=NOON)

    assert rows() == {
        (MIDNIGHT_BEFORE, "web"): (1, 1, 1000, 0, 0),
        (MIDNIGHT_BEFORE, None): (0, 0, 0, 0, -11),
        (MIDNIGHT_AFTER, "web"): (0, 0, 0, 300, 0),
        (MIDNIGHT_AFTER, None): (0, 0, 0, 50, 0),
    }
    total = sales_between(first=date(2026, 1, 1), last=date(2027, 1, 1))
    assert total.net_minor == 1000 - 300 - 50 - 11


def test_x2_computing_again_changes_nothing(alice):
    sold = order(1000, LAST_MINUTE, member=alice)
    refund(sold, 300, FIRST_MINUTE)
    refresh_rollups(now=NOON)
    before = rows()
    for _again in range(2):
        refresh_rollups(now=NOON)
        refresh_recent(now=NOON)
    assert rows() == before


def test_the_last_days_are_enough_for_what_still_changes(alice):
    old = order(1000, NOON - timedelta(days=30), member=alice)
    refresh_rollups(now=NOON)
    Order.objects.filter(pk=old.pk).update(goods_minor=1, total_minor=1, paid_minor=1)
    order(70, NOON - timedelta(days=1))
    refund(old, 1, NOON)

    refresh_recent(now=NOON)

    assert (
        sum(r.sales_minor for r in DailySales.objects.all()) == 1070
    )  # not the old day
    assert sum(r.refunds_minor for r in DailySales.objects.all()) == 1


def test_an_order_told_late_counts_on_its_own_day_and_touches_no_other(alice):
    store = make_channel("store")
    old, older = NOON - timedelta(days=30), NOON - timedelta(days=31)
    order(500, older, member=alice)
    refresh_rollups(now=NOON)
    Order.objects.update(goods_minor=1, total_minor=1, paid_minor=1)
    late = order(1000, old, member=alice, channel=store)
    payload = {"order_id": late.pk}
    for _again in range(2):
        refresh_after_late_order(payload, fact=None, now=NOON)
    assert rows() == {
        (date(2026, 10, 21), None): (1, 1, 500, 0, 0),
        (date(2026, 10, 22), "store"): (1, 1, 1000, 0, 0),
    }
    recent = order(70, NOON - timedelta(days=1))
    refresh_after_late_order({"order_id": recent.pk}, fact=None, now=NOON)
    assert len(rows()) == 2


def test_what_was_taken_away_is_gone_after_a_full_run(alice):
    sold = order(1000, NOON - timedelta(days=800), member=alice)
    order(5, NOON - timedelta(days=1), member=alice)
    refresh_rollups(now=NOON)
    sold.delete()
    refresh_after_import({"batch_id": 1}, fact=None, now=NOON)
    assert [r.sales_minor for r in DailySales.objects.all()] == [5]


def test_an_empty_shop_has_no_rows(db):
    assert refresh_rollups(now=NOON) == 0
    assert refresh_recent(now=NOON) == 0
    assert data_span() == (None, None, None)


def test_days_beyond_today_count_too(db):
    order(5, NOON + timedelta(days=3))
    refresh_rollups(now=NOON)
    assert data_span() == (date(2026, 11, 24), date(2026, 11, 24), NOON)


def test_months_without_sales_are_zero_and_not_missing(db):
    order(100, datetime(2026, 9, 30, 15, 59, tzinfo=UTC))
    order(200, datetime(2026, 9, 30, 16, 0, tzinfo=UTC))
    order(400, datetime(2026, 12, 1, 0, 0, tzinfo=UTC))
    refresh_rollups(now=NOON)
    assert sales_by_month(first=date(2026, 9, 17), months=3) == [
        (date(2026, 9, 1), Sales(orders=1, sales_minor=100)),
        (date(2026, 10, 1), Sales(orders=1, sales_minor=200)),
        (date(2026, 11, 1), Sales()),
    ]


def test_channels_stand_by_their_sales(db):
    web, store = make_channel("web"), make_channel("store")
    order(100, NOON, channel=web)
    order(300, NOON, channel=store)
    unmatched(7, NOON)
    refresh_rollups(now=NOON)
    assert sales_by_channel(first=date(2026, 11, 21), last=date(2026, 11, 22)) == [
        ("store", Sales(orders=1, sales_minor=300)),
        ("web", Sales(orders=1, sales_minor=100)),
        ("", Sales(refunds_minor=7)),
    ]


def test_kpis_compare_with_as_many_days_before(db, django_assert_num_queries):
    sold = order(300, NOON)
    order(100, NOON - timedelta(days=29))
    refund(sold, 100, NOON)
    order(200, NOON - timedelta(days=30))
    order(999, NOON - timedelta(days=60))
    refresh_rollups(now=NOON)
    with django_assert_num_queries(2):
        found = kpis(today=date(2026, 11, 21))
    assert found == [
        Kpi("net_sales", 300, 200),
        Kpi("orders", 2, 1),
        Kpi("per_order", 200, 200),
        Kpi("refund_share", 2500, 0),
    ]
    assert [kpi.change_bp for kpi in found] == [5000, 10000, 0, None]


@pytest.mark.parametrize(
    ("value", "before", "change"),
    [(None, 5, None), (5, None, None), (5, 0, None), (5, -5, None), (0, 5, -10000)],
)
def test_a_change_needs_a_base(value, before, change):
    assert Kpi("x", value, before).change_bp == change


def test_only_first_buyers_with_a_full_window_count(alice, bob, mallory):
    day = timedelta(days=1)
    order(1, NOON - 100 * day, member=alice)
    order(1, NOON - 10 * day, member=alice)  # exactly 90 days later: in
    order(1, NOON - 95 * day, member=bob)
    order(1, NOON - 95 * day, member=bob)  # same moment: one visit
    order(1, NOON - 5 * day + timedelta(seconds=1), member=bob)  # a second too late
    order(1, NOON - 89 * day, member=mallory)  # window still open
    order(1, NOON - 1 * day, member=mallory)
    order(1, NOON - 95 * day)  # nobody we know
    assert repurchase(at=NOON) == Repurchase(first_buyers=2, bought_again=1)
    assert repurchase(at=NOON).rate_bp == 5000


def test_who_bought_before_is_no_first_buyer_and_unpaid_is_no_order(alice, bob):
    day = timedelta(days=1)
    order(1, NOON - 500 * day, member=alice)
    order(1, NOON - 100 * day, member=alice)
    order(1, NOON - 100 * day, member=bob)
    order(1, NOON - 50 * day, member=bob, paid=False, state="cancelled")
    assert repurchase(at=NOON) == Repurchase(first_buyers=1, bought_again=0)
    assert Repurchase(0, 0).rate_bp is None
