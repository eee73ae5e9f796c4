from datetime import timedelta

import pytest

from crm.shared.models.audit import AuditEntry
from loyalty.models import HoldTake, PointsEntry, PointsHold, PointsLot
from loyalty.queries.points import points_summary
from loyalty.services.adjusting import deduct_points, grant_points
from loyalty.services.clawing import settle_refund
from loyalty.services.earning import earn_for_order
from loyalty.services.expiring import expire_lots
from loyalty.services.freezing import freeze_account, unfreeze_account
from loyalty.services.holding import (
    HoldIsOver,
    capture_hold,
    hold_points,
    release_hold,
)
from loyalty.services.posting import NotEnoughPoints, PointsFrozen
from tests.cast import NOON
from tests.loyalty.books import (
    account_of,
    assert_sound,
    ledger,
    lots,
    paid_order,
    refund,
)


@pytest.fixture(autouse=True)
def _sound_in_the_end(db):
    yield
    assert_sound()


def give(member, points, number=1, now=NOON):
    return grant_points(
        member_id=member.pk,
        points=points,
        reason="welcome",
        actor="test",
        source=f"test:{number}",
        now=now,
    )


def hold(member, points, source="order:o1", now=NOON):
    return hold_points(member_id=member.pk, points=points, source=source, now=now)


def test_p13_a_hold_reserves_and_a_capture_spends(alice):
    give(alice, 500)

    hold(alice, 300)
    assert (account_of(alice).balance, account_of(alice).available) == (500, 200)
    assert points_summary(alice.pk, NOON).available == 200
    entry = capture_hold(source="order:o1", now=NOON)

    assert (entry.kind, entry.points, entry.balance_after) == ("spend", -300, 200)
    assert (account_of(alice).held, account_of(alice).available) == (0, 200)
    assert PointsHold.objects.get().state == "captured"
    assert [(take.points, take.lot.remaining) for take in entry.takes.all()] == [
        (300, 200)
    ]


def test_p13_a_release_frees(alice):
    give(alice, 500)
    hold(alice, 300)

    assert release_hold(source="order:o1", now=NOON) is True

    assert account_of(alice).available == 500
    assert ledger(alice) == [("grant", 500, 500)]
    assert release_hold(source="order:o1", now=NOON) is False
    with pytest.raises(HoldIsOver):
        capture_hold(source="order:o1", now=NOON)


def test_p13_a_capture_may_be_less_and_frees_the_rest(alice):
    give(alice, 100, 1)
    give(alice, 400, 2)
    hold(alice, 300)

    capture_hold(source="order:o1", now=NOON, points=50)

    assert lots(alice) == [(100, 50), (400, 400)]
    assert (account_of(alice).balance, account_of(alice).held) == (450, 0)


def test_p13_a_capture_is_never_more_than_the_hold(alice):
    give(alice, 500)
    hold(alice, 300)
    with pytest.raises(ValueError, match="301 of 300"):
        capture_hold(source="order:o1", now=NOON, points=301)
    assert ledger(alice) == [("grant", 500, 500)]


def test_x2_hold_and_capture_are_done_once(alice):
    give(alice, 500)
    assert hold(alice, 300).pk == hold(alice, 300).pk
    assert account_of(alice).held == 300

    first = capture_hold(source="order:o1", now=NOON)
    second = capture_hold(source="order:o1", now=NOON)

    assert first.pk == second.pk
    assert release_hold(source="order:o1", now=NOON) is False
    assert account_of(alice).balance == 200


def test_p12_too_few_points_reserve_nothing(alice):
    give(alice, 500)
    hold(alice, 300)

    with pytest.raises(NotEnoughPoints) as refusal:
        hold(alice, 201, source="order:o2")

    assert refusal.value.params == {"available": 200, "wanted": 201}
    assert refusal.value.code == "insufficient_points"
    assert (PointsHold.objects.count(), HoldTake.objects.count()) == (1, 1)
    assert account_of(alice).held == 300


def test_p10_ended_points_cannot_be_held_before_any_job_ran(alice):
    give(alice, 500)
    end = PointsLot.objects.get().expires_at

    with pytest.raises(NotEnoughPoints):
        hold(alice, 1, now=end)
    assert points_summary(alice.pk, end).available == 0
    hold(alice, 500, now=end - timedelta(seconds=1))


def test_p13_points_that_end_while_held_may_still_be_captured(alice):
    give(alice, 500)
    end = PointsLot.objects.get().expires_at
    hold(alice, 300, now=end - timedelta(minutes=5))

    assert expire_lots(now=end) == 0, "waits for the hold"
    capture_hold(source="order:o1", now=end + timedelta(minutes=5))
    assert expire_lots(now=end + timedelta(minutes=6)) == 1

    assert ledger(alice) == [
        ("grant", 500, 500),
        ("spend", -300, 200),
        ("expire", -200, 0),
    ]


def test_p14_a_frozen_member_cannot_spend_but_earns(alice, dana):
    give(alice, 500)
    assert freeze_account(member_id=alice.pk, reason="odd", actor=dana, now=NOON)
    assert not freeze_account(member_id=alice.pk, reason="odd", actor=dana, now=NOON)

    with pytest.raises(PointsFrozen):
        hold(alice, 1)
    with pytest.raises(PointsFrozen):
        take(alice, 1)
    earn_for_order(order_id=paid_order(alice, 10_000).pk, now=NOON)
    summary = points_summary(alice.pk, NOON)
    assert (summary.available, summary.frozen, summary.pending) == (0, 500, 100)

    assert unfreeze_account(member_id=alice.pk, reason="fine", actor=dana, now=NOON)
    assert points_summary(alice.pk, NOON).available == 600
    trail = AuditEntry.objects.order_by("id").values_list("action", "actor_id")
    assert list(trail)[1:] == [("points.freeze", dana.pk), ("points.unfreeze", dana.pk)]


def take(member, points, number=9):
    return deduct_points(
        member_id=member.pk,
        points=points,
        reason="mistake",
        actor="test",
        source=f"test:{number}",
        now=NOON,
    )


def test_p11_a_deduction_takes_what_ends_first(alice):
    give(alice, 100, 1, now=NOON)
    give(alice, 100, 2, now=NOON - timedelta(days=9))

    entry = take(alice, 150)

    assert (entry.points, entry.reason, entry.actor) == (-150, "mistake", "test")
    assert lots(alice) == [(100, 50), (100, 0)]


def test_p12_a_deduction_is_all_or_nothing(alice):
    give(alice, 100)
    with pytest.raises(NotEnoughPoints):
        take(alice, 101)
    assert ledger(alice) == [("grant", 100, 100)]


def test_grants_and_deductions_happen_once_per_source(alice):
    assert give(alice, 100).pk == give(alice, 100).pk
    assert take(alice, 30).pk == take(alice, 30).pk
    assert ledger(alice) == [("grant", 100, 100), ("deduct", -30, 70)]
    assert AuditEntry.objects.count() == 2


def test_p18_with_debt_nothing_is_available_and_a_release_pays_it(alice):
    order = paid_order(alice, 50_000)
    earn_for_order(order_id=order.pk, now=NOON)
    hold(alice, 300)
    row = refund(order, 50_000, is_last=True)

    settle_refund(refund_id=row.pk, now=NOON)
    account = account_of(alice)
    assert (account.balance, account.held, account.debt) == (300, 300, 300)
    with pytest.raises(NotEnoughPoints):
        hold(alice, 1, source="order:o2")

    release_hold(source="order:o1", now=NOON)
    account = account_of(alice)
    assert (account.balance, account.held, account.debt) == (0, 0, 0)
    assert ledger(alice)[-1] == ("claw_back", 0, 0)


def test_p26_expiry_books_each_lot_once_at_its_end(alice, bob):
    give(alice, 100, 1)
    give(alice, 200, 2, now=NOON + timedelta(days=1))
    give(bob, 300)
    end = PointsLot.objects.get(granted=100).expires_at

    assert expire_lots(now=end - timedelta(microseconds=1)) == 0
    assert expire_lots(now=end + timedelta(days=30)) == 3
    assert expire_lots(now=end + timedelta(days=30)) == 0

    gone = PointsEntry.objects.filter(kind="expire", account_id=alice.pk).order_by(
        "seq"
    )
    assert [(entry.points, entry.occurred_at) for entry in gone] == [
        (-100, end),
        (-200, end + timedelta(days=1)),
    ]
    assert account_of(alice).balance == account_of(bob).balance == 0


def test_expiry_is_one_statement_for_many_lots(alice, bob, django_assert_num_queries):
    for number in range(6):
        give(alice, 10, number)
        give(bob, 10, number)
    with django_assert_num_queries(3):  # A savepoint before it, and its end.
        assert expire_lots(now=NOON + timedelta(days=1000)) == 12


def test_a_hold_and_its_capture_cost_few_statements(
    alice, django_assert_max_num_queries
):
    give(alice, 500)
    with django_assert_max_num_queries(9):
        hold(alice, 300)
    with django_assert_max_num_queries(8):
        capture_hold(source="order:o1", now=NOON)


def test_p18_nothing_is_reserved_while_something_is_owed(alice):
    give(alice, 100)
    PointsLot.objects.update(active_at=NOON + timedelta(days=1))
    order = paid_order(alice, 1_000)
    earn_for_order(order_id=order.pk, now=NOON)
    deduct_points(
        member_id=alice.pk, points=10, reason="x", actor="t", source="d", now=NOON
    )
    row = refund(order, 1_000, is_last=True)
    settle_refund(refund_id=row.pk, now=NOON)
    assert account_of(alice).debt == 10
    # What came free pays at night, and is nobody's to spend before.
    with pytest.raises(NotEnoughPoints):
        hold(alice, 1, now=NOON + timedelta(days=2))


def test_p13_the_rest_of_a_hold_pays_debt(alice):
    order = paid_order(alice, 10_000)
    earn_for_order(order_id=order.pk, now=NOON)
    hold(alice, 100)
    row = refund(order, 10_000, is_last=True)
    settle_refund(refund_id=row.pk, now=NOON + timedelta(days=1))
    assert account_of(alice).debt == 100
    capture_hold(source="order:o1", points=40, now=NOON + timedelta(days=1))
    assert (account_of(alice).debt, account_of(alice).balance) == (40, 0)
