"""Who fails in the night stops nobody else (P29)."""

from datetime import timedelta

import pytest

from loyalty import tasks
from loyalty.models import PointsAccount, PointsFreeze, PointsLot
from loyalty.services import referring
from loyalty.services.adjusting import grant_points
from loyalty.services.expiring import expire_lots
from loyalty.services.freezing import end_freezes, freeze_points
from tests.cast import NOON, make_member
from tests.loyalty.books import account_of

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
LATER = NOON + 2 * DAY


@pytest.fixture
def pair(alice, bob):
    give(alice)
    give(bob)
    return alice, bob


def give(member):
    grant_points(
        member_id=member.pk,
        points=100,
        reason="x",
        actor="t",
        source="s:1",
        now=NOON,
    )


def drift(member, **fields):
    """Make a balance wrong, as a fault would: it refuses what is right."""
    PointsAccount.objects.filter(pk=member.pk).update(**fields)


def test_p29_one_broken_balance_stops_nobodys_expiry(pair):
    alice, bob = pair
    PointsLot.objects.update(expires_at=NOON + DAY)
    drift(alice, balance=50)
    assert tasks.nightly(LATER.isoformat())["expire"] == 1
    assert (account_of(bob).balance, account_of(alice).balance) == (0, 50)


def test_p29_lots_that_stand_still_take_nobodys_turn(pair):
    alice, bob = pair
    frozen, broken = make_member(801), make_member(802)
    for member in (frozen, broken):
        give(member)
    PointsLot.objects.update(expires_at=NOON + DAY)
    for first, member in enumerate((frozen, broken)):
        first_end = NOON + first * timedelta(hours=1)
        PointsLot.objects.filter(account_id=member.pk).update(expires_at=first_end)
    drift(frozen, is_frozen=True, frozen_at=NOON - DAY)
    drift(broken, balance=50)
    assert [expire_lots(now=LATER, limit=2) for _time in range(3)] == [1, 1, 0]
    assert (account_of(alice).balance, account_of(bob).balance) == (0, 0)


def test_p29_one_broken_balance_stops_nobodys_payment_of_debt(pair):
    alice, bob = pair
    PointsAccount.objects.update(debt=60)
    drift(alice, balance=50)
    assert tasks.nightly(LATER.isoformat())["pay_debt"] == 1
    assert (account_of(bob).debt, account_of(alice).debt) == (0, 60)


def test_p29_one_broken_freeze_stops_no_other_from_ending(pair):
    for member in pair:
        freeze_points(
            member_id=member.pk,
            points=50,
            reason="x",
            actor="t",
            source=f"f:{member.pk}",
            now=NOON,
            until=NOON + DAY,
        )
    drift(pair[0], held=0)
    assert end_freezes(now=LATER) == 1
    assert end_freezes(now=LATER) == 0
    (left,) = PointsFreeze.objects.filter(ended_by="").select_related("hold")
    assert left.hold.account_id == pair[0].pk


def test_p29_one_broken_referral_stops_no_other(db, monkeypatch):
    seen = []

    def review(*, referral_id, now):
        if referral_id == 1:
            raise RuntimeError
        seen.append(referral_id)

    def due(*, now, after_id, limit):
        return [each for each in (1, 2, 3) if each > after_id]

    monkeypatch.setattr(referring, "due_for_review", due)
    monkeypatch.setattr(referring, "review_referral", review)
    tasks.reward_kept_referrals()
    assert seen == [2, 3]
