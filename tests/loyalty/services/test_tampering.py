"""R14: whoever changes the books behind the back of the services is found out.

Each tampering is done as superuser with the triggers off, to a book in which
everything happened that can happen. Months are in ``test_closing``.
"""

from datetime import timedelta

import pytest
from django.db import connection

from loyalty.models import Program
from loyalty.services.adjusting import deduct_points, grant_points
from loyalty.services.freezing import freeze_points
from loyalty.services.holding import hold_points
from loyalty.services.revoking import revoke_entry
from loyalty.services.transferring import transfer_points
from loyalty.services.verification import verify_ledger
from tests.cast import NOON

DAY = timedelta(days=1)


@pytest.fixture
def books(alice, bob):
    """Alice: 600 granted, 200 deducted and given back, 50 passed on, 100 + 70 held."""
    Program.objects.update(transfer_max=500, transfer_month_max=500)
    for number, points in enumerate((600, 30)):
        granted = grant_points(
            member_id=alice.pk,
            points=points,
            reason="x",
            actor="t",
            source=f"test:{number}",
            now=NOON,
        )
    deducted = deduct_points(
        member_id=alice.pk, points=200, reason="x", actor="t", source="d", now=NOON
    )
    revoke_entry(entry_id=deducted.pk, reason="x", actor="t", now=NOON)
    revoke_entry(entry_id=granted.pk, reason="x", actor="t", now=NOON)
    transfer_points(
        giver_id=alice.pk, to_number=bob.number, points=50, request_key="k", now=NOON
    )
    hold_points(member_id=alice.pk, points=100, source="order:1", now=NOON)
    freeze_points(
        member_id=alice.pk, points=70, reason="x", actor="t", source="f", now=NOON
    )
    assert verify_ledger().findings == ()
    return {"alice": alice.pk, "bob": bob.pk}


TAMPERINGS = [
    (
        "points of an entry",
        "UPDATE loyalty_pointsentry SET points = 599 WHERE points = 600",
        "it brought 599 points, lots got 600",
    ),
    (
        "a deleted entry",
        "DELETE FROM loyalty_lottake WHERE entry_id IN"
        " (SELECT id FROM loyalty_pointsentry WHERE kind = 'claw_back');"
        "DELETE FROM loyalty_pointsentry WHERE kind = 'claw_back'",
        "its newest number is 6, it has 5 entries",
    ),
    (
        "an inserted entry",
        "INSERT INTO loyalty_pointsentry (public_id, account_id, seq, kind, points,"
        " balance_after, source, reason, actor, trace, occurred_at)"
        " SELECT 'pte_x', account_id, 99, 'grant', 40, 40, 'x', '', '', '{{}}',"
        " occurred_at FROM loyalty_pointsentry WHERE account_id = {bob}",
        "it brought 40 points, lots got 0",
    ),
    (
        "a balance",
        "UPDATE loyalty_pointsaccount SET balance = balance + 1"
        " WHERE member_id = {alice}",
        "balance is 551, the lots hold 550",
    ),
    (
        "a debt",
        "UPDATE loyalty_pointsaccount SET debt = 5 WHERE member_id = {bob}",
        "balance less debt is 45, the entries add up to 50",
    ),
    (
        "what is held",
        "UPDATE loyalty_pointsaccount SET held = 0 WHERE member_id = {alice}",
        "held is 0, the open holds are 170",
    ),
    (
        "what a lot has left",
        "UPDATE loyalty_pointslot SET remaining = remaining - 1"
        " WHERE account_id = {bob}",
        "remaining is 49, granted less taken is 50",
    ),
    (
        "what a lot was granted",
        "UPDATE loyalty_pointslot SET granted = 51, remaining = 51"
        " WHERE account_id = {bob}",
        "it brought 50 points, lots got 51",
    ),
    (
        "a take",
        "UPDATE loyalty_lottake SET points = points + 1 WHERE points = 50",
        "it moved 50 points, its lots gave 51",
    ),
    (
        "what was given back",
        "UPDATE loyalty_lottake SET returned = 0, restored = 0 WHERE returned > 0",
        "its lots say 0 came back",
    ),
    (
        "a hold",
        "UPDATE loyalty_pointshold SET points = 90 WHERE points = 100",
        "it reserves 90 points, its lots give 100",
    ),
    (
        "the end of a freeze",
        "UPDATE loyalty_pointshold SET state = 'released' WHERE points = 70",
        "held is 170, the open holds are 100",
    ),
    (
        "part of a lot that is held",
        "UPDATE loyalty_pointslot SET held = held - 1 WHERE held > 0",
        "open holds reserve 170",
    ),
    (
        "a lot of somebody else",
        "UPDATE loyalty_pointslot SET account_id = {alice} WHERE account_id = {bob}",
        "its entry of",
    ),
    (
        "an entry of somebody else",
        "UPDATE loyalty_pointsentry SET account_id = {bob}, seq = 9 WHERE points = 600",
        "it has 5 entries",
    ),
    (
        "a balance after",
        "UPDATE loyalty_pointsentry SET balance_after = 0 WHERE account_id = {bob}",
        "balance after is 0, the entries so far make 50",
    ),
]


@pytest.mark.parametrize(("_case", "tampering", "sentence"), TAMPERINGS)
def test_r14_every_tampering_is_found(books, _case, tampering, sentence):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(tampering.format(**books))
        # What would refuse it at the latest possible moment is tampered with as well.
        cursor.execute("SET LOCAL session_replication_role = origin")
    findings = verify_ledger().findings
    assert any(sentence in finding for finding in findings), findings


def test_r14_there_are_twelve_kinds_at_least():
    assert len({case for case, _sql, _sentence in TAMPERINGS}) >= 12
