"""The history of prices only grows, has no gap and no overlap."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisCase

from crm.shared.models import AuditEntry
from orders.models import Price, Variant
from orders.queries.price_tables import entry_of, price_history, tabled_prices
from orders.services.pricing_entries import (
    ListPriceNeedsNoEnd,
    PriceForNobody,
    PriceInThePast,
    PriceOverlaps,
    PricePeriodEmpty,
    apply_list_prices,
    end_price,
    set_price,
)
from tests.cast import NOON, make_variant

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def put(variant, kind, amount, *, start=None, end=None, audience="", at=NOON):
    """Set a price from and until so many days after noon."""
    return set_price(
        variant_id=variant.pk,
        kind=kind,
        amount_minor=amount,
        audience=audience,
        starts_at=None if start is None else NOON + start * DAY,
        ends_at=None if end is None else NOON + end * DAY,
        actor="test",
        now=at,
    )


def lists(variant) -> list[tuple]:
    """Return (amount, from, until) of list prices that hold at all, in days."""
    rows = Price.objects.filter(variant=variant, kind="list").order_by("starts_at")
    return [
        (r.amount_minor, days(r.starts_at), days(r.ends_at))
        for r in rows
        if r.ends_at != r.starts_at
    ]


def days(moment):
    return None if moment is None else (moment - NOON) / DAY


def test_a_list_price_takes_the_place_of_the_one_before(tea):
    put(tea, "list", 9_000, start=1, at=NOON)
    assert lists(tea) == [(10_000, 0, 1), (9_000, 1, None)]
    tea.refresh_from_db()
    assert tea.price_minor == 10_000
    put(tea, "list", 8_000, at=NOON + 2 * DAY)
    assert lists(tea)[-2:] == [(9_000, 1, 2), (8_000, 2, None)]
    tea.refresh_from_db()
    assert tea.price_minor == 8_000
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.detail["amount_minor"]) == ("orders.price.set", 8_000)


def test_a_price_before_a_planned_one_lasts_until_then(tea):
    put(tea, "list", 9_000, start=5)
    put(tea, "list", 9_500)
    assert lists(tea)[-2:] == [(9_500, 0, 5), (9_000, 5, None)]


def test_another_price_at_the_same_moment_replaces_it(tea):
    put(tea, "list", 9_000)
    put(tea, "list", 8_000)
    assert lists(tea) == [(8_000, 0, None)]
    # The first is kept to be seen: an empty period.
    assert Price.objects.filter(amount_minor=9_000, ends_at=NOON).count() == 1


def test_planned_list_prices_come_into_force_in_time(tea, cup):
    put(tea, "list", 9_000, start=1)
    put(tea, "list", 8_000, start=2)
    put(cup, "list", 1, start=3)
    assert apply_list_prices(now=NOON + DAY - timedelta(microseconds=1)) == 0
    assert apply_list_prices(now=NOON + DAY) == 1
    tea.refresh_from_db()
    assert tea.price_minor == 9_000
    # Late by days: what holds then counts, once.
    assert apply_list_prices(now=NOON + 3 * DAY) == 2
    assert apply_list_prices(now=NOON + 3 * DAY) == 0
    for variant, amount in ((tea, 8_000), (cup, 1)):
        variant.refresh_from_db()
        assert variant.price_minor == amount


def test_the_price_of_the_second_is_exact_before_the_task_ran(tea):
    put(tea, "list", 9_000, start=1)
    for hours, amount in ((-1, 10_000), (0, 9_000)):
        at = NOON + DAY + timedelta(hours=hours)
        assert tabled_prices(variants=[tea], at=at)[tea.pk].amount_minor == amount


def test_what_is_called_off_never_was_and_the_one_before_goes_on(tea):
    put(tea, "list", 9_500)
    planned = put(tea, "list", 9_000, start=2)
    end_price(price_id=planned.pk, actor="test", now=NOON + DAY)
    assert lists(tea) == [(9_500, 0, 2), (9_500, 2, None)]
    assert apply_list_prices(now=NOON + 3 * DAY) == 0
    tea.refresh_from_db()
    assert tea.price_minor == 9_500
    # Again is harmless.
    end_price(price_id=planned.pk, actor="test", now=NOON + DAY)
    assert lists(tea) == [(9_500, 0, 2), (9_500, 2, None)]


def test_a_sale_ends_early_and_only_forward(tea):
    sale = put(tea, "sale", 5_000, end=9)
    with pytest.raises(PriceInThePast):
        end_price(price_id=sale.pk, at=NOON, actor="test", now=NOON + DAY)
    end_price(price_id=sale.pk, actor="test", now=NOON + DAY)
    end_price(price_id=sale.pk, at=NOON + 5 * DAY, actor="test", now=NOON + 2 * DAY)
    sale.refresh_from_db()
    assert days(sale.ends_at) == 1
    assert AuditEntry.objects.filter(action="orders.price.end").count() == 1


@pytest.mark.parametrize(
    ("how", "refusal"),
    [
        ({"kind": "sale", "start": -1}, PriceInThePast),
        ({"kind": "sale", "start": 2, "end": 2}, PricePeriodEmpty),
        ({"kind": "sale", "start": 2, "end": 1}, PricePeriodEmpty),
        ({"kind": "list", "end": 1}, ListPriceNeedsNoEnd),
        ({"kind": "list", "audience": "member"}, PriceForNobody),
        ({"kind": "member"}, PriceForNobody),
        ({"kind": "sale", "start": 3, "end": 5}, PriceOverlaps),
        ({"kind": "sale", "start": 9}, PriceOverlaps),
        ({"kind": "sale", "start": 1, "end": 11}, PriceOverlaps),
    ],
)
def test_refused_prices_leave_no_trace(tea, how, refusal):
    put(tea, "sale", 5_000, start=4, end=10)
    before = (Price.objects.count(), AuditEntry.objects.count())
    with pytest.raises(refusal):
        put(tea, how.pop("kind"), 1, **how)
    assert (Price.objects.count(), AuditEntry.objects.count()) == before


@pytest.mark.parametrize(
    "how",
    [
        {"start": 1, "end": 4},
        {"start": 10},
        {"start": 5, "audience": "member"},
        {"start": 5, "kind": "member", "audience": "tier:gold"},
    ],
)
def test_neighbours_and_others_do_not_overlap(tea, how):
    put(tea, "sale", 5_000, start=4, end=10)
    assert put(tea, how.pop("kind", "sale"), 1, **how).pk


def test_a_list_price_in_force_needs_a_successor(tea):
    price = put(tea, "list", 9_000)
    with pytest.raises(ListPriceNeedsNoEnd):
        end_price(price_id=price.pk, actor="test", now=NOON + DAY)


def test_history_cannot_be_rewritten(tea):
    sale = put(tea, "sale", 5_000, start=1, end=9)
    mine = Price.objects.filter(pk=sale.pk)
    for change in (
        lambda: mine.update(amount_minor=1),
        lambda: mine.update(starts_at=NOON),
        lambda: mine.update(audience="member"),
        lambda: mine.update(ends_at=NOON + 10 * DAY),
        lambda: mine.update(ends_at=None),
        lambda: mine.delete(),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()
    assert mine.update(ends_at=NOON + 8 * DAY) == 1


def test_a_sku_without_a_history_gets_one_when_it_changes(tea):
    put(tea, "list", 9_000, at=NOON + DAY)
    assert lists(tea) == [(10_000, 0, 1), (9_000, 1, None)]
    assert [p.amount_minor for p in price_history(variant_id=tea.pk)] == [9_000, 10_000]


class Histories(HypothesisCase):
    """Whatever staff plan and call off, each moment has one list price."""

    @settings(max_examples=40, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["set", "end"]),
                st.integers(0, 4),
                st.integers(0, 9),
            ),
            max_size=12,
        )
    )
    def test_list_prices_have_neither_gap_nor_overlap(self, deeds):
        variant = make_variant("TEA", 10_000)
        now = NOON
        put(variant, "list", 10_000, at=now)
        for number, (deed, wait, ahead) in enumerate(deeds):
            now += wait * DAY
            apply_list_prices(now=now)
            if deed == "set":
                start = (now - NOON) / DAY + ahead
                put(variant, "list", 100 + number, start=start, at=now)
                continue
            planned = Price.objects.filter(starts_at__gt=now).order_by("pk").first()
            if planned:
                end_price(price_id=planned.pk, actor="test", now=now)
        entries = [entry_of(p) for p in price_history(variant_id=variant.pk)]
        for day in range(70):
            at = NOON + day * DAY
            assert sum(e.holds(at) for e in entries) == 1
        apply_list_prices(now=now)
        (held,) = [each.amount_minor for each in entries if each.holds(now)]
        assert Variant.objects.get().price_minor == held


@pytest.mark.django_db(transaction=True)
def test_of_two_sales_at_once_one_is_kept():
    tea = make_variant("TEA", 10_000)
    start = threading.Barrier(8)

    def plan(number: int) -> str:
        try:
            start.wait()
            put(tea, "sale", 5_000 + number, start=1, end=3)
            return "set"
        except PriceOverlaps:
            return "refused"
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        outcome = sorted(pool.map(plan, range(8)))
    assert outcome == ["refused"] * 7 + ["set"]
    assert Price.objects.filter(kind="sale").count() == 1
