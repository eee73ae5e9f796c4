import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from loyalty.services.earning import earn_for_order
from loyalty.services.holding import hold_points
from loyalty.services.verification import verify_ledger
from tests.cast import NOON
from tests.loyalty.books import paid_order


@pytest.fixture
def busy(alice):
    earn_for_order(order_id=paid_order(alice, 60_000).pk, now=NOON)
    hold_points(member_id=alice.pk, points=100, source="order:1", now=NOON)
    return alice


def test_p3_a_sound_ledger_says_so(busy, capsys):
    call_command("verify_ledger")
    assert capsys.readouterr().out == "1 accounts and 1 entries agree.\n"


@pytest.mark.parametrize(
    ("_case", "tampering", "sentence"),
    [
        (
            "balance",
            "UPDATE loyalty_pointsaccount SET balance = balance + 1",
            "balance less debt is 601, the entries add up to 600",
        ),
        (
            "entry",
            "UPDATE loyalty_pointsentry SET points = points + 1",
            "balance after is 600, the entries so far make 601",
        ),
        (
            "entry missing",
            "UPDATE loyalty_pointsaccount SET seq = 2",
            "its newest number is 2, it has 1 entries",
        ),
        (
            "lot",
            "UPDATE loyalty_pointslot SET remaining = remaining - 1",
            "remaining is 599, granted less taken is 600",
        ),
        (
            "held",
            "UPDATE loyalty_pointsaccount SET held = 0",
            "held is 0, the open holds are 100",
        ),
        (
            "held of a lot",
            "UPDATE loyalty_pointslot SET held = 0",
            "held is 0, open holds reserve 100",
        ),
        (
            "hold",
            "UPDATE loyalty_pointshold SET state = 'released'",
            "held is 100, the open holds are 0",
        ),
        (
            "lifetime",
            "UPDATE loyalty_pointsaccount SET lifetime_earned = 0",
            "earned in all is 0, the entries say 600",
        ),
    ],
)
def test_p3_any_difference_is_found(busy, capsys, _case, tampering, sentence):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(tampering)

    assert any(sentence in finding for finding in verify_ledger().findings)
    with pytest.raises(CommandError):
        call_command("verify_ledger")
    assert sentence in capsys.readouterr().err
