"""Closed months of the points books."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from loyalty.models import PointsClose, PointsLot, Program
from loyalty.queries.closing import cohorts_of
from loyalty.rules.closing import breakage_curve
from loyalty.services.adjusting import deduct_points, grant_points
from loyalty.services.clawing import settle_refund
from loyalty.services.closing import MonthIsNotOver, MonthOutOfOrder, close_month
from loyalty.services.earning import earn_for_order
from loyalty.services.expiring import expire_lots
from loyalty.services.redeeming import redeem_points
from loyalty.services.revoking import revoke_entry
from loyalty.services.verification import verify_ledger
from tests.loyalty.books import assert_sound, paid_order, refund

#: Midnight of 1 October in Shanghai.
OCTOBER = datetime(2026, 9, 30, 16, tzinfo=UTC)
NOVEMBER = datetime(2026, 10, 31, 16, tzinfo=UTC)
DECEMBER = datetime(2026, 11, 30, 16, tzinfo=UTC)
DAY = timedelta(days=1)


def give(member, points, at, *, ends=None, source=None, why=""):
    entry = grant_points(
        member_id=member.pk,
        points=points,
        reason="x",
        actor="test",
        source=source or f"test:{at}",
        reason_code=why,
        now=at,
    )
    if ends:
        PointsLot.objects.filter(entry=entry).update(expires_at=ends)
    return entry


def close(year, month, now=DECEMBER + DAY):
    return close_month(month=date(year, month, 1), actor="fin", now=now)


def test_opening_and_movements_make_the_closing(alice, bob):
    Program.objects.update(redeem_minor_per_100=50)
    give(alice, 1_000, OCTOBER - DAY, ends=OCTOBER + 10 * DAY)
    give(alice, 500, OCTOBER, ends=DECEMBER + 40 * DAY)
    redeem_points(member_id=alice.pk, points=300, source="s", now=OCTOBER + DAY)
    expire_lots(now=OCTOBER + 10 * DAY)
    give(bob, 40, NOVEMBER - timedelta(seconds=1))
    give(bob, 7, NOVEMBER)

    made = close(2026, 10)

    assert made.opening == 1_000
    assert made.moved == {"grant": 540, "spend": -300, "expire": -700}
    assert (made.late, made.closing, made.debt) == ({}, 540, 0)
    assert (made.open_points, made.liability_minor) == (540, 270)
    assert [points for _, points in made.waterfall] == [500, 40]
    assert made.waterfall[0][0] == "2027-01-01"
    assert close(2026, 10) == made, "closed once"
    assert_sound()


def test_what_happened_after_the_month_is_not_in_it(alice):
    order = paid_order(alice, 100_000, at=OCTOBER + DAY)
    earn_for_order(order_id=order.pk, now=OCTOBER + DAY)
    spent = deduct_points(
        member_id=alice.pk,
        points=400,
        reason="x",
        actor="t",
        source="d",
        now=OCTOBER + 2 * DAY,
    )
    revoke_entry(entry_id=spent.pk, reason="x", actor="t", now=NOVEMBER + DAY)
    settle_refund(
        refund_id=refund(order, 30_000, at=NOVEMBER + 2 * DAY).pk,
        now=NOVEMBER + 2 * DAY,
    )
    redeem_points(member_id=alice.pk, points=100, source="s", now=NOVEMBER + 3 * DAY)

    made = close(2026, 10)

    assert (made.closing, made.open_points, made.debt) == (600, 600, 0)
    november = close(2026, 11)
    assert november.opening == 600
    assert november.moved == {"return": 400, "claw_back": -300, "spend": -100}
    assert (november.closing, november.open_points) == (600, 600)
    assert sum(points for _, points in november.waterfall) == 600


def test_p27_a_month_says_what_was_moved_by_hand_by_reason_code(alice, bob):
    give(alice, 900, OCTOBER - DAY, why="migration")
    give(alice, 100, OCTOBER, why="goodwill")
    give(bob, 50, OCTOBER, why="goodwill")
    give(bob, 7, OCTOBER + DAY)
    entry = give(bob, 30, OCTOBER + 2 * DAY, why="test")
    revoke_entry(
        entry_id=entry.pk,
        reason_code="correction",
        reason="x",
        actor="t",
        now=OCTOBER + 3 * DAY,
    )
    give(alice, 3, NOVEMBER, why="goodwill")

    made = close(2026, 10)
    give(alice, 5, OCTOBER + 4 * DAY, why="other")
    november = close(2026, 11)

    made.refresh_from_db()
    assert made.by_hand == [
        ["correction", "claw_back", 1, -30],
        ["goodwill", "grant", 2, 150],
        ["test", "grant", 1, 30],
    ]
    november.refresh_from_db()
    assert november.by_hand == [["goodwill", "grant", 1, 3], ["other", "grant", 1, 5]]
    assert november.late == {"grant": 5}


def test_debt_is_owed_beside_what_is_open(alice, bob):
    entry = give(alice, 500, OCTOBER)
    redeem_points(member_id=alice.pk, points=500, source="s", now=OCTOBER)
    revoke_entry(entry_id=entry.pk, reason="x", actor="t", now=OCTOBER + DAY)
    give(bob, 80, OCTOBER + DAY)

    made = close(2026, 10)

    assert (made.closing, made.open_points, made.debt) == (-420, 80, 500)


def test_what_is_booked_later_with_an_earlier_date_is_late(alice):
    give(alice, 100, OCTOBER)
    close(2026, 10, now=NOVEMBER)
    give(alice, 11, OCTOBER + 3 * DAY)
    give(alice, 5, NOVEMBER + DAY)

    november = close(2026, 11)

    assert november.opening == 100
    assert (november.moved, november.late) == ({"grant": 5}, {"grant": 11})
    assert november.closing == 116
    assert_sound()


def test_months_are_closed_in_order_and_after_their_end(alice):
    with pytest.raises(MonthIsNotOver):
        close(2026, 10, now=NOVEMBER - timedelta(seconds=1))
    close(2026, 10, now=NOVEMBER)
    for month in (9, 12):
        with pytest.raises(MonthOutOfOrder) as refused:
            close(2026, month)
        assert refused.value.params == {"next": "2026-11"}
    assert PointsClose.objects.count() == 1


def test_p1_a_closed_month_never_changes(alice):
    made = close(2026, 10)
    with pytest.raises(DatabaseError), transaction.atomic():
        PointsClose.objects.filter(pk=made.pk).update(closing=1)


def test_breakage_by_age(alice):
    give(alice, 100, datetime(2026, 8, 5, tzinfo=UTC), ends=OCTOBER + 5 * DAY)
    give(alice, 300, datetime(2026, 9, 5, tzinfo=UTC), ends=NOVEMBER)
    give(alice, 200, datetime(2026, 10, 5, tzinfo=UTC), ends=DECEMBER + 90 * DAY)
    redeem_points(member_id=alice.pk, points=40, source="s", now=OCTOBER + DAY)
    expire_lots(now=NOVEMBER)

    made = close(2026, 11)

    cohorts = cohorts_of(made)
    assert [
        (each.month.month, each.granted, each.used, each.expired_points, each.left)
        for each in cohorts
    ] == [(8, 100, 40, 60, 0), (9, 300, 0, 300, 0), (10, 200, 0, 0, 200)]
    # Ended with October: one month after it came in.
    assert cohorts[1].expired == {1: 300}
    curve = breakage_curve(cohorts, month=date(2026, 11, 1))
    assert curve == [(0, 0, 600), (1, 300, 600), (2, 360, 400), (3, 60, 100)]


def test_the_command_closes_or_says_why_not(alice, capsys, monkeypatch):
    give(alice, 100, OCTOBER)
    monkeypatch.setattr("crm.shared.clock.now", lambda: NOVEMBER + DAY)
    call_command("close_points", "2026-10")
    assert (
        "2026-10: 0 points at the beginning, 100 at the end" in capsys.readouterr().out
    )
    for month in ("2026-11", "october"):
        with pytest.raises(CommandError):
            call_command("close_points", month)


@pytest.mark.parametrize(
    ("_case", "tampering", "sentence"),
    [
        (
            "closing",
            "UPDATE loyalty_pointsclose SET closing = closing + 1,"
            " open_points = open_points + 1 WHERE month = '2026-11-01'",
            "month 2026-11: it moved 51 points, its entries 50",
        ),
        (
            "opening",
            "UPDATE loyalty_pointsclose SET opening = 9 WHERE month = '2026-11-01'",
            "month 2026-11: it opens with 9, the one before closed with 100",
        ),
        (
            "a kind",
            """UPDATE loyalty_pointsclose SET moved = '{"grant": 49}'"""
            " WHERE month = '2026-11-01'",
            "month 2026-11: it closes with 150, its kinds make 149",
        ),
        (
            "an entry of a closed month",
            "UPDATE loyalty_pointsentry SET points = 49 WHERE points = 50",
            "month 2026-11: it moved 50 points, its entries 49",
        ),
    ],
)
def test_r14_closed_months_agree_with_the_entries(alice, _case, tampering, sentence):
    give(alice, 100, OCTOBER)
    close(2026, 10)
    give(alice, 50, NOVEMBER)
    close(2026, 11)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(tampering)
    assert sentence in verify_ledger().findings
