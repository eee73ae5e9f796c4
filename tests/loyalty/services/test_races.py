"""Real threads on real rows. Each race is also run with its guard off, and goes wrong.

Threads meet at a barrier placed after the account was read, so that a missing lock
shows every time, not by luck.
"""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection

from crm.shared.errors import Refusal
from loyalty.models import (
    Ladder,
    PointsAccount,
    PointsEntry,
    PointsHold,
    TierChange,
)
from loyalty.services import catching_up, holding, tiering
from loyalty.services.adjusting import deduct_points, grant_points
from loyalty.services.earning import earn_for_order
from loyalty.services.holding import capture_hold, hold_points, release_hold
from loyalty.services.tiering import review_tier
from loyalty.services.verification import verify_ledger
from tests.cast import NOON
from tests.faults.callers import at_once, rendezvous, without
from tests.loyalty.books import account_of, assert_sound, paid_order

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 8
LONG_AGO = NOON - timedelta(days=40)


def give(member, points):
    grant_points(
        member_id=member.pk,
        points=points,
        reason="race",
        actor="test",
        source="test:start",
        now=NOON,
    )


def unlocked(monkeypatch, module, count):
    """Read the account without its lock, and let all read before anybody writes."""
    meet = rendezvous(count)

    def read(*, member_id, now):
        account = PointsAccount.objects.get(member_id=member_id)
        meet()
        return account

    monkeypatch.setattr(module, "locked_account", read)


def take_without_lock():
    """Let the function read the account without its lock, and wait before it writes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('loyalty_take_points'::regproc::oid)")
        (written,) = cursor.fetchone()
        lock = " FOR NO KEY UPDATE SKIP LOCKED;"
        unlocked = written.replace(lock, "; PERFORM pg_sleep(0.5);")
        assert unlocked != written
        cursor.execute(unlocked)


def without_checks():
    """Drop the second line of defence, to see what the lock alone prevents."""
    for table, name in [
        ("pointslot", "points_lot_asked_back_is_within_the_rest"),
        ("pointslot", "points_lot_held_is_within_remaining"),
        ("pointslot", "points_lot_remaining_is_within_granted"),
        ("pointsaccount", "points_held_is_within_balance"),
        ("pointsentry", "points_entry_once_per_number"),
    ]:
        without(f"loyalty_{table}", name)


def holds(member):
    return [
        lambda number=number: hold_points(
            member_id=member.pk, points=500, source=f"order:{number}", now=NOON
        )
        for number in range(THREADS)
    ]


def test_p30_of_many_redemptions_of_the_whole_balance_one_succeeds(alice):
    give(alice, 500)

    answers = at_once(holds(alice))

    assert sum(isinstance(each, PointsHold) for each in answers) == 1
    codes = [each.code for each in answers if isinstance(each, Refusal)]
    assert codes == ["insufficient_points"] * (THREADS - 1)
    assert account_of(alice).held == 500
    assert_sound()


def test_p30_control_without_the_lock_all_of_them_succeed(alice, monkeypatch):
    give(alice, 500)
    without_checks()
    unlocked(monkeypatch, holding, THREADS)

    answers = at_once(holds(alice))

    assert sum(isinstance(each, PointsHold) for each in answers) > 1
    assert verify_ledger().findings != ()


def deductions(member):
    return [
        lambda number=number: deduct_points(
            member_id=member.pk,
            points=100,
            reason="race",
            actor="test",
            source=f"test:{number}",
            now=NOON,
        )
        for number in range(THREADS)
    ]


def test_x5_k_of_n_deductions_succeed(alice):
    give(alice, 300)

    answers = at_once(deductions(alice))

    assert sum(isinstance(each, PointsEntry) for each in answers) == 3
    assert account_of(alice).balance == 0
    assert_sound()


def test_x5_control_without_the_lock_points_are_spent_twice(alice):
    give(alice, 300)
    without_checks()
    take_without_lock()

    answers = at_once(deductions(alice))

    assert sum(isinstance(each, PointsEntry) for each in answers) > 3
    assert verify_ledger().findings != ()


def test_p4_one_order_told_many_times_at_once_earns_once(alice):
    order = paid_order(alice, 10_000)

    answers = at_once([lambda: earn_for_order(order_id=order.pk, now=NOON)] * THREADS)

    assert len({entry.pk for entry in answers}) == 1
    assert account_of(alice).balance == 100
    assert PointsEntry.objects.count() == 1
    assert_sound()


def test_p4_control_without_the_lock_the_constraints_must_catch_it(alice, monkeypatch):
    order = paid_order(alice, 10_000)
    give(alice, 1)
    unlocked(monkeypatch, catching_up, THREADS)

    answers = at_once([lambda: earn_for_order(order_id=order.pk, now=NOON)] * THREADS)

    assert any(isinstance(each, DatabaseError) for each in answers)
    assert PointsEntry.objects.filter(kind="earn").count() == 1


def test_p13_a_hold_is_captured_or_released_never_both(alice):
    give(alice, 300)
    hold_points(member_id=alice.pk, points=300, source="order:1", now=NOON)

    at_once(
        [
            lambda: capture_hold(source="order:1", now=NOON),
            lambda: release_hold(source="order:1", now=NOON),
            lambda: capture_hold(source="order:1", now=NOON),
            lambda: release_hold(source="order:1", now=NOON),
        ]
    )

    hold = PointsHold.objects.get()
    spent = PointsEntry.objects.filter(kind="spend").count()
    assert (hold.state, spent) in {("captured", 1), ("released", 0)}
    assert account_of(alice).held == 0
    assert account_of(alice).balance == (0 if spent else 300)
    assert_sound()


def test_p13_control_without_the_lock_a_hold_is_resolved_twice(alice, monkeypatch):
    give(alice, 300)
    hold_points(member_id=alice.pk, points=300, source="order:1", now=NOON)
    without_checks()
    read = holding._locked_hold
    meet = rendezvous(2)

    def unlocked_hold(source):
        monkeypatch.setattr(
            PointsAccount.objects.__class__,
            "select_for_update",
            lambda self, **options: self.get_queryset(),
        )
        found = read(source)
        meet()
        return found

    monkeypatch.setattr(holding, "_locked_hold", unlocked_hold)

    answers = at_once(
        [
            lambda: capture_hold(source="order:1", now=NOON),
            lambda: release_hold(source="order:1", now=NOON),
        ]
    )

    assert isinstance(answers[0], PointsEntry)
    assert answers[1] is True


def test_an_account_that_many_open_at_once_is_one(alice):
    orders = [paid_order(alice, 10_000) for _ in range(4)]

    at_once(
        [lambda pk=order.pk: earn_for_order(order_id=pk, now=NOON) for order in orders]
    )

    assert PointsAccount.objects.count() == 1
    assert account_of(alice).balance == 400
    assert_sound()


def reviews(member):
    return [
        lambda: review_tier(member_id=member.pk, reason="race", now=NOON)
        for _ in range(THREADS)
    ]


def test_t11_of_many_reviews_at_once_one_writes_the_change(alice):
    Ladder.objects.update(window_days=30)
    earn_for_order(order_id=paid_order(alice, 60_000, at=LONG_AGO).pk, now=LONG_AGO)

    at_once(reviews(alice))

    assert TierChange.objects.filter(reason="race").count() == 1
    assert account_of(alice).tier.code == "member"


def test_t11_control_without_the_lock_each_writes_its_own(alice, monkeypatch):
    Ladder.objects.update(window_days=30)
    earn_for_order(order_id=paid_order(alice, 60_000, at=LONG_AGO).pk, now=LONG_AGO)
    meet = rendezvous(THREADS)
    counted = tiering.counted

    def read(*args, **more):
        found = counted(*args, **more)
        meet()
        return found

    monkeypatch.setattr(tiering, "locked_account", lambda **_who: None)
    monkeypatch.setattr(tiering, "counted", read)
    at_once(reviews(alice))

    assert TierChange.objects.filter(reason="race").count() > 1
