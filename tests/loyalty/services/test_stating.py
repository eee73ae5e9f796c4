"""Signed statements of points: they add up, and one changed byte is found."""

import base64
from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.core.management import CommandError, call_command

from crm.shared.models import AuditEntry
from loyalty.services.adjusting import deduct_points, grant_points
from loyalty.services.expiring import expire_lots
from loyalty.services.stating import Verdict, check_statement, make_statement
from tests.cast import NOON
from tests.loyalty.books import SHOP_ZONE, account_of

DAY = timedelta(days=1)
TODAY = NOON.astimezone(SHOP_ZONE).date()


def give(member, points, at):
    return grant_points(
        member_id=member.pk,
        points=points,
        reason="secret words",
        actor="dana",
        source=f"test:{at}",
        now=at,
    )


def take(member, points, at):
    return deduct_points(
        member_id=member.pk,
        points=points,
        reason="secret words",
        actor="dana",
        source=f"test:{at}",
        now=at,
    )


def made(member, *, first=TODAY, last=TODAY + 9 * DAY, now=NOON + 9 * DAY):
    return make_statement(
        account=account_of(member),
        first=first,
        last=last,
        reason="a dispute",
        actor="dana",
        now=now,
    )


@pytest.fixture
def busy(alice):
    give(alice, 100, NOON - 5 * DAY)
    give(alice, 50, NOON + DAY)
    take(alice, 120, NOON + 2 * DAY)
    return alice


def test_a_statement_adds_up_and_tells_which_lots_were_taken(busy):
    told = made(busy).statement
    assert (told.opening, told.closing) == (100, 30)
    assert [(line.points, line.balance) for line in told.lines] == [
        (50, 150),
        (-120, 30),
    ]
    assert [points for _entry, points in told.lines[1].lots] == [100, 20]
    assert told.lines[1].lots[1][0] == told.lines[0].entry


def test_days_are_of_the_shop_and_both_are_included(busy):
    first = made(busy, first=TODAY + DAY, last=TODAY + DAY).statement
    then = made(busy, first=TODAY + 2 * DAY, last=TODAY + 2 * DAY).statement
    assert (len(first.lines), len(then.lines)) == (1, 1)
    assert first.closing == then.opening
    before = made(busy, first=TODAY - 90 * DAY, last=TODAY - 80 * DAY).statement
    assert (before.opening, before.closing, before.lines) == (0, 0, [])


def test_an_end_that_is_booked_late_stands_where_it_was(alice):
    entry = give(alice, 80, NOON)
    ends = entry.lot.expires_at
    give(alice, 5, ends + DAY)
    expire_lots(now=ends + 2 * DAY)
    told = made(alice, last=(ends + 3 * DAY).date()).statement
    assert [(line.kind, line.balance) for line in told.lines] == [
        ("grant", 80),
        ("expire", 0),
        ("grant", 5),
    ]


def test_it_is_ours_and_says_nothing_of_the_person_or_of_staff(busy):
    file = made(busy).file
    assert check_statement(file) is Verdict.OURS
    for secret in (b"secret words", b"dana", busy.name.encode()):
        assert secret not in file


def test_one_changed_byte_anywhere_is_found(busy):
    file = made(busy).file
    for place in range(len(file)):
        changed = file[:place] + bytes([file[place] ^ 1]) + file[place + 1 :]
        assert check_statement(changed) is not Verdict.OURS, place
    for other in (b"", file[1:], file[:-1], file + b"\n", file + file, b"\xef" + file):
        assert check_statement(other) is not Verdict.OURS


def test_another_shop_can_not_sign_for_this_one(busy, settings):
    file = made(busy).file
    ring = settings.KEYRING
    settings.KEYRING = replace(ring, index_keys={ring.index_primary: bytes(range(32))})
    assert check_statement(file) is Verdict.CHANGED


def test_a_key_that_was_turned_over_still_proves_and_one_that_is_gone_says_so(
    busy, settings
):
    file, ring = made(busy).file, settings.KEYRING
    new = (ring.index_primary + 1) % 255 or 1
    keys = {new: bytes(range(32))}
    settings.KEYRING = replace(
        ring, index_primary=new, index_keys=keys | ring.index_keys
    )
    assert check_statement(file) is Verdict.OURS
    assert check_statement(made(busy).file) is Verdict.OURS
    settings.KEYRING = replace(ring, index_primary=new, index_keys=keys)
    assert check_statement(file) is Verdict.UNKNOWN_KEY


def test_the_audit_trail_tells_who_took_which_days_out(busy):
    statement = made(busy)
    entry = AuditEntry.objects.get(action="points.statement")
    assert (entry.actor, entry.reason) == ("dana", "a dispute")
    assert entry.detail == {
        "first": TODAY.isoformat(),
        "last": (TODAY + 9 * DAY).isoformat(),
        "rows": 2,
        "signature": statement.signature,
    }


def test_the_command_says_whether_a_file_is_ours(busy, tmp_path, capsys):
    path = tmp_path / "statement.csv"
    path.write_bytes(made(busy, first=date(2020, 1, 1)).file)
    call_command("check_statement", path)
    assert "ours and unchanged" in capsys.readouterr().out
    for content, said in [
        (path.read_bytes().replace(b",50,", b",51,"), "not as this shop wrote it"),
        (base64.b64decode("bm90aGluZw=="), "no signature"),
    ]:
        path.write_bytes(content)
        with pytest.raises(CommandError, match=said):
            call_command("check_statement", path)
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("check_statement", tmp_path / "none")
