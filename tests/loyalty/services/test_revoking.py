"""Counter-entries (P1, P16, P17), and expired points that come back."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from loyalty.models import PointsEntry, PointsLot, Program
from loyalty.services.adjusting import deduct_points, grant_points
from loyalty.services.clawing import settle_refund
from loyalty.services.earning import earn_for_order
from loyalty.services.expiring import expire_lots
from loyalty.services.freezing import freeze_points
from loyalty.services.redeeming import redeem_points
from loyalty.services.revoking import (
    AlreadyReinstated,
    AlreadyRevoked,
    NotReinstatable,
    NotRevocable,
    Revocation,
    preview_revocation,
    refuse_late,
    reinstate_points,
    revoke_entry,
)
from tests.cast import NOON
from tests.loyalty.books import (
    account_of,
    assert_sound,
    ledger,
    lots,
    paid_order,
    refund,
)

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _sound_in_the_end(db):
    yield
    assert_sound()


def set_program(**fields):
    Program.objects.update(**fields)


def give(member, points, number=1):
    return grant_points(
        member_id=member.pk,
        points=points,
        reason="welcome",
        actor="test",
        source=f"test:{number}",
        now=NOON,
    )


def spend(member, points):
    return redeem_points(
        member_id=member.pk, points=points, source=f"spend:{points}", now=NOON
    )


def revoke(entry, now=NOON):
    return revoke_entry(entry_id=entry.pk, reason="a mistake", actor="dana", now=now)


def test_p1_a_revocation_is_a_new_entry_that_names_the_old_one(alice):
    entry = give(alice, 300)

    revoked = revoke(entry)

    assert (revoked.kind, revoked.points, revoked.reverses) == (
        "claw_back",
        -300,
        entry,
    )
    assert (revoked.reason, revoked.actor) == ("a mistake", "dana")
    assert revoke(entry) == revoked, "once"
    assert ledger(alice) == [("grant", 300, 300), ("claw_back", -300, 0)]


def test_p1_entries_are_never_changed(alice):
    entry = give(alice, 300)
    for verb in (
        lambda: PointsEntry.objects.filter(pk=entry.pk).update(points=1),
        lambda: PointsEntry.objects.filter(pk=entry.pk).delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            verb()


def test_p16_its_own_lot_comes_first(alice):
    give(alice, 100)
    entry = give(alice, 300, 2)
    assert preview_revocation(entry, now=NOON) == Revocation(-300, from_own=300)
    revoke(entry)
    assert lots(alice) == [(100, 100), (300, 0)]


@pytest.mark.parametrize(
    ("policy", "points", "debt", "trace"),
    [
        ("debt", -300, 50, {"due": 300, "owed": 50}),
        ("deduct", -300, 50, {"due": 300, "owed": 50}),
        ("to_zero", -250, 0, {"due": 300, "waived": 50}),
        ("pending", -250, 0, {"due": 300, "waived": 50}),
    ],
)
def test_p16_p17_what_is_missing_goes_by_the_policy(alice, policy, points, debt, trace):
    set_program(claw_back=policy)
    entry = give(alice, 300)
    give(alice, 100, 2)
    spend(alice, 150)
    seen = preview_revocation(entry, now=NOON)

    revoked = revoke(entry)

    assert (revoked.points, account_of(alice).debt) == (points, debt)
    assert revoked.trace == trace
    assert seen.points == points
    assert (seen.owed, seen.waived) == (trace.get("owed", 0), trace.get("waived", 0))
    assert (revoked.actor, revoked.reason) == ("dana", "a mistake"), "P17"


@pytest.mark.parametrize("policy", Program.ClawBack.values)
def test_p16_pending_points_of_its_own_are_taken_under_every_policy(alice, policy):
    set_program(claw_back=policy)
    entry = give(alice, 300)
    give(alice, 100, 2)
    PointsLot.objects.filter(entry=entry).update(active_at=NOON + 3 * DAY)

    revoke(entry)

    assert lots(alice) == [(300, 0), (100, 100)]


def test_p13_frozen_points_are_not_revoked_and_the_preview_says_so(alice):
    entry = give(alice, 300)
    freeze_points(
        member_id=alice.pk,
        points=200,
        reason="dispute",
        actor="dana",
        source="x",
        now=NOON,
    )
    assert preview_revocation(entry, now=NOON) == Revocation(
        -300, from_own=100, owed=200, reserved=200
    )
    revoke(entry)
    assert account_of(alice).debt == 200


def test_p19_an_order_is_revoked_for_what_refunds_left(alice):
    order = paid_order(alice, 10_000, quantity=2)
    entry = earn_for_order(order_id=order.pk, now=NOON)
    settle_refund(refund_id=refund(order, 5_000).pk, now=NOON + DAY)

    revoked = revoke(entry, NOON + 2 * DAY)
    assert revoked.points == -50

    last = refund(order, 5_000, at=NOON + 3 * DAY, is_last=True)
    assert settle_refund(refund_id=last.pk, now=NOON + 3 * DAY).points == 0
    assert account_of(alice).balance == 0


def test_an_order_that_came_back_whole_has_nothing_to_revoke(alice):
    order = paid_order(alice, 10_000)
    entry = earn_for_order(order_id=order.pk, now=NOON)
    settle_refund(refund_id=refund(order, 10_000, is_last=True).pk, now=NOON + DAY)
    with pytest.raises(AlreadyRevoked):
        preview_revocation(entry, now=NOON + DAY)
    with pytest.raises(AlreadyRevoked):
        revoke(entry, NOON + DAY)


def test_p20_points_that_staff_deducted_go_back_to_their_lots(alice):
    give(alice, 100)
    entry = deduct_points(
        member_id=alice.pk, points=80, reason="x", actor="d", source="d:1", now=NOON
    )
    assert preview_revocation(entry, now=NOON).points == 80

    revoked = revoke(entry)

    assert (revoked.kind, revoked.points, revoked.reverses) == ("return", 80, entry)
    assert lots(alice) == [(100, 100)]
    assert account_of(alice).lifetime_earned == 0, "P21"


def test_spending_and_expiry_are_not_revoked(alice):
    give(alice, 100)
    with pytest.raises(NotRevocable):
        revoke(spend(alice, 50))


# --- Reinstating ----------------------------------------------------------------------


def expired(member, points=300):
    entry = give(member, points)
    PointsLot.objects.filter(entry=entry).update(expires_at=NOON)
    expire_lots(now=NOON)
    return PointsEntry.objects.get(kind="expire")


def reinstate(entry, now):
    return reinstate_points(entry_id=entry.pk, reason="goodwill", actor="d", now=now)


def test_expired_points_come_back_once_with_a_new_end(alice):
    set_program(reinstate_days=10, valid_months=1)
    entry = expired(alice)

    back = reinstate(entry, NOON + 10 * DAY)

    assert (back.kind, back.points, back.reverses) == ("reinstate", 300, entry)
    assert back.lot.expires_at > NOON + 40 * DAY
    assert reinstate(entry, NOON + 10 * DAY) == back
    assert account_of(alice).balance == 300
    assert account_of(alice).lifetime_earned == 0, "P21"
    with pytest.raises(AlreadyReinstated):
        refuse_late(entry, now=NOON + 10 * DAY)


@pytest.mark.parametrize(("days", "after"), [(0, 0), (10, 11)])
def test_too_late_is_too_late(alice, days, after):
    set_program(reinstate_days=days)
    entry = expired(alice)
    with pytest.raises(NotReinstatable):
        reinstate(entry, NOON + after * DAY)


def test_only_what_expired_is_reinstated(alice):
    set_program(reinstate_days=10)
    with pytest.raises(NotReinstatable):
        reinstate(give(alice, 100), NOON)


def test_p18_what_comes_back_pays_debt_first(alice):
    set_program(reinstate_days=10)
    entry = expired(alice)
    granted = PointsEntry.objects.get(kind="grant")
    revoke(granted)
    assert account_of(alice).debt == 300

    reinstate(entry, NOON)

    assert (account_of(alice).balance, account_of(alice).debt) == (0, 0)


def test_p16_a_grant_by_mistake_goes_whatever_the_program_takes(alice):
    set_program(claw_back="pending")
    entry = give(alice, 100)
    assert preview_revocation(entry, now=NOON).from_own == 100
    assert revoke(entry).points == -100
    assert account_of(alice).balance == 0


def test_p16_what_is_missing_of_a_grant_is_waived_by_who_revoked(alice):
    set_program(claw_back="pending")
    entry = give(alice, 100)
    spend(alice, 60)
    revoked = revoke(entry)
    assert (revoked.points, revoked.trace["waived"]) == (-40, 60)
    assert (revoked.actor, revoked.reason) == ("dana", "a mistake")
