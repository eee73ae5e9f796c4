"""Scores of buyers in the database: the same as the rules say, night after night."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localdate

from crm import wiring
from crm.shared import clock
from loyalty.models import MemberScore, MemberValue, PastScore, ScoreMonth
from loyalty.rules.intervals import usual_interval
from loyalty.rules.rfm import RfmBounds, bounds_of, score
from loyalty.services.scoring import score_buyers
from loyalty.services.valuing import count_value
from loyalty.tasks import score_members
from members.models import Member
from orders.models import Order, UnmatchedReturn
from tests.cast import NOON, make_member, put_in_state
from tests.faults.callers import at_once
from tests.loyalty.books import paid_order, refund

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 20)
#: Noon of that day in Shanghai.
AT = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def days_ago(days):
    return AT - timedelta(days=days)


def give_back(order, *, at):
    """Refund all of an order."""
    row = refund(order, order.paid_minor, at=at)
    Order.objects.filter(pk=order.pk).update(
        state=Order.State.REFUNDED, refunded_minor=order.paid_minor
    )
    return row


def crowd(seed=6, members=40):
    """Write members with orders by chance; return days of purchases by member."""
    chance = random.Random(seed)
    bought = {}
    for serial in range(100, 100 + members):
        member = make_member(serial)
        days = sorted(chance.choices(range(1, 400), k=chance.choice([1, 1, 2, 5, 8])))
        for ago in days:
            paid_order(member, chance.choice([990, 5_000, 20_000]), at=days_ago(ago))
        bought[member.pk] = {DAY - timedelta(days=ago) for ago in days}
    return bought


def kept(day=DAY, now=NOON):
    return score_buyers(day=day, now=now)


# --- The same as the rules ---------------------------------------------------------


def test_scores_are_those_of_the_rules():
    """One statement for everybody, and one rule for one buyer, say the same."""
    bought = crowd()
    count_value(member_ids=list(bought))

    assert kept().buyers == len(bought)

    values = {value.pk: value for value in MemberValue.objects.all()}
    since = {pk: (DAY - max(days)).days for pk, days in bought.items()}
    bounds = RfmBounds(
        bounds_of(list(since.values())),
        bounds_of([value.orders for value in values.values()]),
        bounds_of([value.net_minor for value in values.values()]),
    )
    month = ScoreMonth.objects.get()
    assert month.recency_bounds == bounds.recency
    assert month.frequency_bounds == bounds.frequency
    assert month.money_bounds == bounds.money
    for row in MemberScore.objects.all():
        expected = score(
            days_since=since[row.pk],
            orders=values[row.pk].orders,
            net_minor=values[row.pk].net_minor,
            bounds=bounds,
        )
        assert (row.recency, row.frequency, row.money, row.segment) == (
            *(expected.recency, expected.frequency, expected.money),
            expected.segment,
        )
        assert row.interval_days == usual_interval(sorted(bought[row.pk]))
    assert sum(cell[2] for cell in month.grid) == len(bought)
    assert sum(cell[3] for cell in month.grid) == sum(
        value.net_minor for value in values.values()
    )
    assert sum(count for _from, count in month.amounts) == len(bought)


def test_what_was_given_back_is_no_purchase_and_an_exchange_no_second(alice, bob):
    """R13 and R19, and what came back without its purchase, as in MemberValue."""
    stays = paid_order(alice, 5_000, at=days_ago(30))
    replaced = paid_order(alice, 7_000, at=days_ago(20))
    give_back(replaced, at=days_ago(10))
    instead = paid_order(alice, 7_000, at=days_ago(10))
    Order.objects.filter(pk=instead.pk).update(exchange_of=replaced)
    give_back(paid_order(alice, 9_000, at=days_ago(5)), at=days_ago(4))
    give_back(paid_order(bob, 9_000, at=days_ago(5)), at=days_ago(4))
    UnmatchedReturn.objects.create(
        source="test",
        external_ref="C1",
        source_row=1,
        member=alice,
        variant=stays.lines.get().variant,
        kind="return",
        quantity=1,
        amount_minor=1_500,
        reason="no purchase",
        occurred_at=days_ago(3),
    )
    count_value(member_ids=[alice.pk, bob.pk])

    kept()

    assert list(MemberScore.objects.values_list("pk", flat=True)) == [alice.pk]
    value = alice.value
    assert (value.orders, value.net_minor) == (2, 10_500)
    (month,) = ScoreMonth.objects.all()
    assert month.frequency_bounds == [2, 2, 2, 2]
    assert month.money_bounds == [10_500] * 4
    assert month.recency_bounds == [20] * 4


def test_days_are_those_of_the_shop(alice):
    """X3: an order of 16:30 in UTC is one of the next day in Shanghai."""
    paid_order(alice, 5_000, at=datetime(2026, 11, 19, 16, 30, tzinfo=UTC))
    kept()
    assert ScoreMonth.objects.get().recency_bounds == [0] * 4
    late = make_member(200)
    paid_order(late, 5_000, at=datetime(2026, 11, 20, 16, 0, tzinfo=UTC))
    kept()
    assert not MemberScore.objects.filter(member=late).exists()


def test_four_purchases_say_when_the_next_is_due(alice, bob):
    for ago in (100, 68, 68, 36, 4):
        paid_order(alice, 5_000, at=days_ago(ago))
    for ago in (60, 30, 1):
        paid_order(bob, 5_000, at=days_ago(ago))
    kept()
    row = MemberScore.objects.get(member=alice)
    assert row.interval_days == 32
    # Four days before the 20th and 32 on: midnight of 18 December in Shanghai.
    assert row.due_at == datetime(2026, 12, 17, 16, 0, tzinfo=UTC)
    row = MemberScore.objects.get(member=bob)
    assert (row.interval_days, row.due_at) == (None, None)


# --- Again, later, earlier ---------------------------------------------------------


def test_again_changes_nothing():
    crowd(members=10)
    kept()
    tables = [MemberScore, PastScore, ScoreMonth]
    before = [list(table.objects.order_by("pk").values()) for table in tables]
    with connection.cursor() as cursor:
        cursor.execute("SELECT member_id, xmin::text FROM loyalty_memberscore")
        versions = sorted(cursor.fetchall())
    kept()
    assert [list(table.objects.order_by("pk").values()) for table in tables] == before
    with connection.cursor() as cursor:
        cursor.execute("SELECT member_id, xmin::text FROM loyalty_memberscore")
        assert sorted(cursor.fetchall()) == versions


def test_bounds_stay_for_the_month_and_are_new_in_the_next():
    crowd(members=10)
    kept(date(2026, 11, 20))
    first = ScoreMonth.objects.get()
    for serial in range(300, 330):
        paid_order(make_member(serial), 900_000, at=days_ago(-1))
    kept(date(2026, 11, 22))
    assert ScoreMonth.objects.get().money_bounds == first.money_bounds
    kept(date(2026, 12, 1))
    newest = ScoreMonth.objects.order_by("-month").first()
    assert newest.month == date(2026, 12, 1)
    assert newest.money_bounds != first.money_bounds


def test_a_past_day_writes_its_month_and_leaves_members_as_they_are(alice):
    paid_order(alice, 5_000, at=days_ago(50))
    back = paid_order(alice, 8_000, at=days_ago(40))
    give_back(back, at=days_ago(2))
    kept(DAY)
    now = MemberScore.objects.values().get()

    assert kept(date(2026, 10, 31)).buyers == 1

    assert MemberScore.objects.values().get() == now
    october = ScoreMonth.objects.get(month=date(2026, 10, 1))
    # What was given back later still counted then.
    assert (october.frequency_bounds[0], october.money_bounds[0]) == (2, 13_000)
    assert PastScore.objects.count() == 2
    # A day before the last of its month is over.
    assert kept(date(2026, 10, 30)).buyers == 0
    assert ScoreMonth.objects.get(month=date(2026, 10, 1)).scored_on.day == 31


def test_who_is_a_buyer_no_longer_has_no_score(alice, bob):
    order = paid_order(alice, 5_000, at=days_ago(9))
    paid_order(bob, 5_000, at=days_ago(9))
    erased = make_member(300)
    paid_order(erased, 5_000, at=days_ago(9))
    kept()
    assert MemberScore.objects.count() == PastScore.objects.count() == 3
    give_back(order, at=days_ago(1))
    put_in_state(Member.objects.get(pk=erased.pk), "erased")
    kept()
    assert list(MemberScore.objects.values_list("pk", flat=True)) == [bob.pk]
    assert list(PastScore.objects.values_list("member", flat=True)) == [bob.pk]


def test_a_shop_without_buyers_has_nothing_to_show(alice):
    assert kept().buyers == 0
    assert not ScoreMonth.objects.exists()
    order = paid_order(alice, 5_000, at=days_ago(9))
    assert kept().buyers == 1
    give_back(order, at=days_ago(1))
    assert kept().buyers == 0
    for table in (ScoreMonth, MemberScore, PastScore):
        assert not table.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_nights_at_once_are_one():
    crowd(members=6)

    scored = at_once([kept, kept])

    assert [each.buyers for each in scored] == [6, 6]
    assert MemberScore.objects.count() == PastScore.objects.count() == 6


def test_the_nightly_task_scores_as_of_yesterday(alice):
    """A demo shop that skips days runs it for each, too."""
    today = localdate(clock.now())
    paid_order(alice, 5_000, at=clock.now() - timedelta(days=3))
    assert score_members() == 1
    assert ScoreMonth.objects.get().scored_on == today - timedelta(days=1)
    assert "loyalty.tasks.score_members" in wiring.DAILY_WORK


def test_the_number_of_statements_does_not_grow_with_the_buyers():
    crowd(members=3)
    kept()
    with CaptureQueriesContext(connection) as few:
        kept()
    for serial in range(500, 520):
        paid_order(make_member(serial), 5_000, at=days_ago(3))
    with CaptureQueriesContext(connection) as many:
        kept()
    assert len(many) == len(few)


# --- Forecasts ---------------------------------------------------------------------


def plenty(chance, count=400):
    """Write buyers who come at rates of their own and stay away at last."""
    orders, serial = [], 1_000
    for _each in range(count):
        serial += 1
        member = make_member(serial)
        rate, worth = chance.gammavariate(1.2, 1 / 20), chance.choice([3_000, 12_000])
        leaves = chance.betavariate(1, 4)
        day = chance.uniform(30, 360)
        while day > 0:
            at = days_ago(day)
            amount = int(chance.gammavariate(3, worth / 3)) + 1
            orders.append(
                Order(
                    number=f"P{len(orders)}",
                    member=member,
                    currency="CNY",
                    state=Order.State.PAID,
                    goods_minor=amount,
                    total_minor=amount,
                    paid_minor=amount,
                    placed_at=at,
                    paid_at=at,
                )
            )
            if chance.random() < leaves:
                break
            day -= chance.expovariate(rate)
    Order.objects.bulk_create(orders)


def test_forecasts_need_enough_who_came_again():
    crowd()
    assert kept().forecast == 0
    assert ScoreMonth.objects.get().silence == "too_few"
    assert ScoreMonth.objects.get().expected_minor is None
    assert not MemberScore.objects.filter(value_365_minor__isnull=False).exists()


def test_forecasts_of_everybody_by_the_model_of_the_month():
    plenty(random.Random(3))
    done = kept()
    month = ScoreMonth.objects.get()
    assert (month.silence, done.forecast) == ("", done.buyers)
    rows = list(MemberScore.objects.all())
    assert all(row.value_365_minor is not None for row in rows)
    assert all(row.purchases_90_milli <= row.purchases_365_milli for row in rows)
    assert month.expected_minor == sum(row.value_365_minor for row in rows)

    kept(DAY + timedelta(days=3))
    again = ScoreMonth.objects.get()
    assert again.model == month.model
    assert again.expected_minor < month.expected_minor  # three days of silence
