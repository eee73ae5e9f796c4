"""Points of past orders: booked as a whole, once, by the rules of live orders."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from crm.shared.models import Fact
from loyalty.models import (
    Currency,
    MemberValue,
    PointsEntry,
    PointsLot,
    QualifyingEntry,
    TierChange,
)
from loyalty.services.adjusting import deduct_points
from loyalty.services.earning import earn_for_order
from loyalty.services.importing import book_import
from members.services.freezing import move_member
from orders.models import Order, UnmatchedReturn
from tests.cast import NOON, make_member, make_variant
from tests.loyalty.books import (
    account_of,
    assert_sound,
    ledger,
    lots,
    paid_order,
    refund,
    rule,
)

DAY = timedelta(days=1)
LONG_AGO = datetime(2011, 3, 5, 9, tzinfo=UTC)
SOURCE = "old-shop"


def old_order(member, net_minor, *, days=0, **more):
    return paid_order(
        member, net_minor, at=LONG_AGO + timedelta(days=days), source=SOURCE, **more
    )


def unmatched(member, amount_minor, *, days=0, kind="goods"):
    number = UnmatchedReturn.objects.count() + 1
    return UnmatchedReturn.objects.create(
        source=SOURCE,
        external_ref=f"C9{number}",
        source_row=number,
        member=member,
        variant=make_variant(f"U{number}", 100),
        kind=kind,
        quantity=1,
        amount_minor=amount_minor,
        reason="not bought here",
        occurred_at=LONG_AGO + timedelta(days=days),
    )


def book(now=NOON):
    return book_import(source=SOURCE, now=now)


@pytest.fixture(autouse=True)
def _sound_in_the_end(db):
    yield
    assert_sound()


def test_past_orders_are_booked_with_a_term_from_today(alice):
    order = old_order(alice, 12_399)

    done = book()

    assert (done.orders, done.refunds, done.members) == (1, 0, 1)
    entry = PointsEntry.objects.get()
    assert (entry.points, entry.source) == (123, f"order:{order.public_id}")
    assert entry.occurred_at == LONG_AGO
    lot = PointsLot.objects.get()
    assert (lot.active_at, lot.expires_at.year) == (NOON, 2028)
    assert QualifyingEntry.objects.get().occurred_at == LONG_AGO
    value = MemberValue.objects.get()
    assert (value.orders, value.net_minor) == (1, 12_399)
    assert (value.first_order_at, value.last_order_at) == (LONG_AGO, LONG_AGO)


def test_p6_each_order_is_floored_and_nobody_is_told(alice):
    for days in range(3):
        old_order(alice, 30_099, days=days)

    done = book()

    assert [points for _, points, _ in ledger(alice)] == [300, 300, 300]
    assert account_of(alice).tier.code == "silver"
    assert (account_of(alice).tier_since, done.tier_changes) == (NOON, 1)
    change = TierChange.objects.get()
    assert (change.value_minor, change.reason) == (90_297, "import:old-shop")
    assert not Fact.objects.exists()


def test_p19_refunds_of_the_file_take_back_in_the_order_of_time(alice):
    order = old_order(alice, 9_700)
    for day, amount in enumerate([3_233, 3_233, 3_234], start=1):
        refund(order, amount, at=LONG_AGO + timedelta(days=day))
    old_order(alice, 5_000, days=9)
    Order.objects.filter(pk=order.pk).update(state=Order.State.REFUNDED)

    book()

    assert ledger(alice) == [
        ("earn", 97, 97),
        ("claw_back", -32, 65),
        ("claw_back", -32, 33),
        ("claw_back", -33, 0),
        ("earn", 50, 50),
    ]
    assert lots(alice) == [(97, 0), (50, 50)]
    earned = PointsEntry.objects.get(seq=1)
    assert PointsEntry.objects.filter(reverses=earned).count() == 3
    value = MemberValue.objects.get()
    assert (value.orders, value.net_minor) == (1, 5_000), "R19"


def test_p17_a_return_without_purchase_takes_what_is_there_and_waives_the_rest(alice):
    old_order(alice, 60_000)
    unmatched(alice, 70_000, days=1)

    done = book()

    entry = PointsEntry.objects.get(kind="claw_back")
    assert (entry.points, done.unmatched_returns) == (-600, 1)
    assert entry.trace == {
        "due": 700,
        "waived": 100,
        "refunded_minor": 70_000,
        "unmatched": True,
    }
    account = account_of(alice)
    assert (account.balance, account.debt, account.tier.code) == (0, 0, "member")
    assert MemberValue.objects.get().net_minor == -10_000


def test_returned_fees_without_purchase_cost_money_but_no_points(alice):
    old_order(alice, 10_000)
    unmatched(alice, 3_000, days=1, kind="fee")

    book()

    assert account_of(alice).balance == 100
    assert MemberValue.objects.get().net_minor == 7_000


def test_x2_booking_again_changes_nothing(alice, bob):
    refund(old_order(alice, 10_000), 4_000, at=LONG_AGO + timedelta(days=2))
    unmatched(bob, 500)
    book()
    before = books()

    done = book(NOON + timedelta(days=1))

    assert (done.orders, done.refunds, done.unmatched_returns) == (0, 0, 0)
    assert books() == before


def books():
    with connection.cursor() as cursor:
        rows = []
        for table in (
            "pointsaccount",
            "pointsentry",
            "pointslot",
            "lottake",
            "qualifyingentry",
            "tierchange",
            "membervalue",
        ):
            cursor.execute(f"SELECT t::text FROM loyalty_{table} t ORDER BY 1")
            rows.append((table, cursor.fetchall()))
        return rows


def test_a_later_file_may_refund_an_order_of_an_earlier_one(alice):
    order = old_order(alice, 10_000)
    book()
    deduct_points(
        member_id=alice.pk,
        points=80,
        reason="spent meanwhile",
        actor="test",
        source="test:1",
        now=NOON,
    )
    refund(order, 4_000, at=LONG_AGO + timedelta(days=2))
    refund(order, 6_000, at=LONG_AGO + timedelta(days=3), is_last=True)

    book(NOON + timedelta(days=1))

    assert ledger(alice)[2:] == [("claw_back", -40, -20), ("claw_back", -60, -80)]
    assert (account_of(alice).balance, account_of(alice).debt) == (0, 80)


def test_other_sources_are_left_alone(alice):
    live = paid_order(alice, 20_000)
    old_order(alice, 10_000)

    book()
    assert [points for _, points, _ in ledger(alice)] == [100]
    assert earn_for_order(order_id=live.pk, now=NOON).points == 200


def test_members_of_many_groups_are_all_booked(db, monkeypatch):
    monkeypatch.setattr("loyalty.services.importing._MEMBERS", 2)
    members = [make_member(900 + number) for number in range(5)]
    for number, member in enumerate(members, start=1):
        old_order(member, number * 1_000)

    assert book().members == 5
    assert [account_of(member).balance for member in members] == [10, 20, 30, 40, 50]


@pytest.mark.django_db(transaction=True)
def test_x5_two_bookings_at_once_book_once():
    for number in range(6):
        old_order(make_member(950 + number), 10_000)
    done = []

    def run():
        done.append(book().orders)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(done) == [0, 0, 6]
    assert PointsEntry.objects.count() == 6


def test_p5_an_imported_order_of_a_closed_membership_earns_nothing(alice, bob, dana):
    Currency.objects.create(code="stars", name="x")
    rule("stars", points=1, per_minor=100, currency_id="stars")
    order = paid_order(alice, 10_000, at=NOON - DAY, source=SOURCE)
    paid_order(alice, 10_000, at=NOON - 3 * DAY, source=SOURCE)
    paid_order(bob, 10_000, at=NOON - DAY, source=SOURCE)
    moved = {"member_id": alice.pk, "reason": "asked", "actor": dana}
    move_member(**moved, to="closed", now=NOON - 2 * DAY)
    book()
    assert [points for _kind, points, _after in ledger(alice)] == [100, 0]
    assert [points for _kind, points, _after in ledger(bob)] == [100]
    assert PointsEntry.objects.get(points=0).source == f"order:{order.public_id}"
    counted = QualifyingEntry.objects.filter(currency="stars")
    assert counted.filter(member=alice).count() == 1
    assert_sound()
