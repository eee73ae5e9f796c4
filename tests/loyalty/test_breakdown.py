"""From the balance to what is available: the parts always add up (P2)."""

from datetime import timedelta

import pytest

from crm.shared import clock
from loyalty.models import PointsAccount, PointsLot
from loyalty.queries.books import breakdown
from loyalty.queries.points import points_summary
from loyalty.services.adjusting import grant_points
from loyalty.services.freezing import freeze_account, freeze_points
from loyalty.services.holding import hold_points
from loyalty.services.redeeming import redeem_points
from loyalty.services.revoking import revoke_entry
from tests.loyalty.books import account_of

DAY = timedelta(days=1)


@pytest.fixture
def now(db):
    return clock.now()


def give(member, points, now):
    return grant_points(
        member_id=member.pk,
        points=points,
        reason="x",
        actor="test",
        source=f"test:{points}",
        now=now,
    )


def parts_of(member, now):
    parts = breakdown(account_of(member), at=now)
    taken = parts.ended + parts.pending + parts.reserved + parts.set_aside
    assert parts.balance - taken - parts.stopped == parts.available
    assert parts.available == points_summary(member.pk, now).available
    return parts


@pytest.fixture
def mixed(alice, now):
    """Points of every kind: ended, pending by day and by delivery, held, frozen."""
    lots = [give(alice, points, now - DAY).lot for points in (11, 22, 33, 400)]
    times = [{"expires_at": now}, {"active_at": now + DAY}, {"active_at": None}]
    for lot, fields in zip(lots, times, strict=False):
        PointsLot.objects.filter(pk=lot.pk).update(**fields)
    hold_points(member_id=alice.pk, points=50, source="order:x", now=now)
    freeze_points(
        member_id=alice.pk, points=70, reason="x", actor="t", source="f", now=now
    )
    return alice


def test_p2_every_part_is_told(mixed, now):
    parts = parts_of(mixed, now)
    assert (parts.balance, parts.ended, parts.pending) == (466, 11, 55)
    assert (parts.reserved, parts.set_aside, parts.available) == (50, 70, 280)


def test_p14_a_frozen_account_has_the_rest_stopped(mixed, now):
    freeze_account(member_id=mixed.pk, reason="x", actor="t", now=now)
    parts = parts_of(mixed, now)
    assert (parts.stopped, parts.available) == (280, 0)


def test_p18_what_is_left_beside_a_debt_is_stopped(alice, now):
    entry = give(alice, 100, now)
    redeem_points(member_id=alice.pk, points=100, source="s", now=now)
    revoke_entry(entry_id=entry.pk, reason="x", actor="t", now=now)
    parts = parts_of(alice, now)
    assert (parts.balance, parts.available, parts.debt) == (0, 0, 100)


def test_an_account_that_never_had_any(alice):
    PointsAccount.objects.get_or_create(member=alice)
    assert parts_of(alice, clock.now()).balance == 0
