"""Points that members pass on (P25)."""

from datetime import timedelta

import pytest

from crm.shared.errors import Refusal
from loyalty.models import PointsEntry, PointsLot, Program
from loyalty.queries.points import points_summary
from loyalty.services.adjusting import grant_points
from loyalty.services.freezing import freeze_account, freeze_points
from loyalty.services.posting import NotEnoughPoints, PointsFrozen
from loyalty.services.revoking import revoke_entry
from loyalty.services.transferring import (
    ReceiverRests,
    Transfer,
    TransfersOff,
    TransferTooLarge,
    UnknownReceiver,
    transfer_points,
)
from tests.cast import NOON, put_in_state
from tests.faults.callers import at_once
from tests.loyalty.books import account_of, assert_sound, ledger

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _transfers_are_on(db):
    Program.objects.update(transfer_max=500, transfer_month_max=800)


def give(member, points, *, number=1, days=100):
    entry = grant_points(
        member_id=member.pk,
        points=points,
        reason="welcome",
        actor="test",
        source=f"test:{number}",
        now=NOON,
    )
    PointsLot.objects.filter(entry=entry).update(expires_at=NOON + days * DAY)
    return PointsLot.objects.get(entry=entry)


def pass_on(giver, taker, points, *, key="k1", now=NOON):
    return transfer_points(
        giver_id=giver.pk,
        to_number=taker.number,
        points=points,
        request_key=key,
        now=now,
    )


def ends(member):
    left = PointsLot.objects.filter(account_id=member.pk, is_open=True)
    return dict(left.values_list("expires_at", "remaining"))


def test_p25_points_keep_their_ends(alice, bob):
    give(alice, 100, days=10)
    give(alice, 300, number=2, days=20)

    moved = pass_on(alice, bob, 150)

    assert moved.points == 150
    assert ends(bob) == {NOON + 10 * DAY: 100, NOON + 20 * DAY: 50}
    assert ends(alice) == {NOON + 20 * DAY: 250}
    assert [entry.points for entry in moved.sent] == [-100, -50]
    assert [entry.points for entry in moved.received] == [100, 50]
    assert account_of(bob).lifetime_earned == 0
    assert_sound()


def test_p25_two_entries_for_one_end(alice, bob):
    give(alice, 100)
    pass_on(alice, bob, 100)
    assert ledger(alice)[1:] == [("gift", -100, 0)]
    assert ledger(bob) == [("gift", 100, 100)]


def test_asked_twice_is_one_transfer(alice, bob):
    give(alice, 100)
    assert pass_on(alice, bob, 50) == pass_on(alice, bob, 50)
    assert account_of(bob).balance == 50


def test_p25_pending_frozen_and_expired_points_stay(alice, bob):
    pending = give(alice, 100)
    PointsLot.objects.filter(pk=pending.pk).update(active_at=NOON + DAY)
    give(alice, 100, number=2, days=-1)
    give(alice, 100, number=3)
    freeze_points(
        member_id=alice.pk, points=60, reason="x", actor="d", source="f", now=NOON
    )
    with pytest.raises(NotEnoughPoints) as refused:
        pass_on(alice, bob, 41)
    assert refused.value.params["available"] == 40
    assert not PointsEntry.objects.filter(kind="gift").exists()


def test_p14_a_frozen_member_passes_nothing_on(alice, bob):
    give(alice, 100)
    freeze_account(member_id=alice.pk, reason="x", actor="d", now=NOON)
    with pytest.raises(PointsFrozen):
        pass_on(alice, bob, 10)


def test_p18_what_comes_in_pays_debt_first(alice, bob):
    give(alice, 100)
    lot = give(bob, 30, days=-1)
    revoke_entry(entry_id=lot.entry_id, reason="x", actor="d", now=NOON)

    pass_on(alice, bob, 100)

    assert points_summary(bob.pk, NOON).available == 70
    assert_sound()


@pytest.mark.parametrize("off", [{"transfer_max": 0}, {"transfer_month_max": 0}])
def test_zero_turns_transfers_off(alice, bob, off):
    Program.objects.update(**off)
    with pytest.raises(TransfersOff):
        pass_on(alice, bob, 10)


def test_caps_for_one_transfer_and_for_a_month(alice, bob, mallory):
    give(alice, 2_000)
    with pytest.raises(TransferTooLarge):
        pass_on(alice, bob, 501)
    pass_on(alice, bob, 500)
    with pytest.raises(TransferTooLarge) as refused:
        pass_on(alice, mallory, 301, key="k2")
    assert refused.value.params == {"most": 300}
    pass_on(alice, mallory, 300, key="k2")
    # December begins at midnight in Shanghai.
    pass_on(alice, bob, 500, key="k3", now=NOON + 35 * DAY)


def test_whoever_received_points_rests(alice, bob, mallory):
    give(alice, 100)
    give(bob, 100)
    pass_on(alice, bob, 10)
    with pytest.raises(ReceiverRests):
        pass_on(bob, mallory, 10, key="k2", now=NOON + 29 * DAY)
    with pytest.raises(ReceiverRests):
        pass_on(alice, bob, 10, key="k2", now=NOON + 29 * DAY)
    pass_on(bob, mallory, 10, key="k2", now=NOON + 30 * DAY)


@pytest.mark.parametrize("state", ["closed", "erased", "merged"])
def test_whoever_left_receives_nothing(alice, bob, state):
    give(alice, 100)
    number = bob.number
    put_in_state(bob, state)
    with pytest.raises(UnknownReceiver):
        transfer_points(
            giver_id=alice.pk, to_number=number, points=1, request_key="k", now=NOON
        )


def test_nobody_gives_to_themselves_or_to_nobody(alice):
    give(alice, 100)
    for number in (alice.number, "M999999999"):
        with pytest.raises(UnknownReceiver):
            transfer_points(
                giver_id=alice.pk,
                to_number=number,
                points=1,
                request_key="k",
                now=NOON,
            )


@pytest.mark.django_db(transaction=True)
def test_p30_two_who_give_each_other_and_others_lose_nothing(alice, bob, mallory):
    Program.objects.update(
        transfer_max=500, transfer_month_max=800, transfer_rest_days=0
    )
    give(alice, 500)
    give(bob, 500)

    answers = at_once(
        [
            *(lambda n=n: pass_on(alice, bob, 300, key=f"a{n}") for n in range(3)),
            *(lambda n=n: pass_on(bob, alice, 300, key=f"b{n}") for n in range(3)),
            *(lambda n=n: pass_on(alice, mallory, 500, key=f"c{n}") for n in range(2)),
        ]
    )

    assert all(isinstance(each, (Transfer, Refusal)) for each in answers)
    assert any(isinstance(each, Transfer) for each in answers)
    who = (alice, bob, mallory)
    balances = [points_summary(each.pk, NOON).balance for each in who]
    assert sum(balances) == 1_000
    for member in (alice, bob):
        given = PointsEntry.objects.filter(
            account_id=member.pk, kind="gift", points__lt=0
        )
        assert -sum(given.values_list("points", flat=True)) <= 800
    assert_sound()
