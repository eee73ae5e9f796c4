import logging
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO
from threading import Barrier, Thread

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from crm.shared import tasks
from crm.shared.audit import (
    GENESIS,
    Head,
    audit_head,
    find_tampering,
    record_audit,
    seal_audit,
)
from crm.shared.logs import bind, unbind
from crm.shared.models import AuditEntry, AuditSeal, ShopClock

NOON = datetime(2026, 11, 21, 4, 0, 0, 123456, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def deed(number, **changes):
    values = {
        "actor": "tests",
        "action": "points.adjust",
        "object_type": "members.Member",
        "object_id": f"mem_{number}",
        "reason": f"Correction {number} 补发",
        "detail": {"points": number, "rate": 1.5, "phone": "changed", "名": None},
        "now": NOON + timedelta(seconds=number),
    }
    return record_audit(**(values | changes))


@pytest.fixture
def trail(db):
    """Six sealed entries."""
    entries = [deed(number) for number in range(6)]
    assert seal_audit(now=NOON) == 6
    return entries


@contextmanager
def superuser():
    """A cursor for which triggers do not fire."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield cursor
        cursor.execute("SET LOCAL session_replication_role = origin")


def findings(**options):
    return list(find_tampering(now=LATER, **options))


# --- Recording ----------------------------------------------------------------


@pytest.mark.django_db
def test_records_who_what_whom_and_why():
    dana = get_user_model().objects.create(username="dana")
    clock = ShopClock.objects.create()
    bind(request_id="req_7")
    try:
        entry = record_audit(
            actor=dana, action="clock.move", obj=clock, reason="demo", now=NOON
        )
    finally:
        unbind()
    entry.refresh_from_db()
    assert (entry.actor_id, entry.actor, entry.at) == (dana.pk, "dana", NOON)
    assert (entry.object_type, entry.object_id) == ("shared.ShopClock", "1")
    assert (entry.action, entry.reason) == ("clock.move", "demo")
    assert (entry.detail, entry.request_id) == ({}, "req_7")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("actor", "named"),
    [
        (None, "system"),
        ("tasks.expire", "tasks.expire"),
        (AnonymousUser(), "anonymous"),
    ],
)
def test_actors_without_a_login(actor, named):
    entry = deed(1, actor=actor)
    assert (entry.actor_id, entry.actor) == (None, named)


@pytest.mark.django_db
def test_goes_away_with_the_transaction_it_belongs_to():
    with pytest.raises(RuntimeError), transaction.atomic():
        deed(1)
        raise RuntimeError
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db
def test_the_outlived_actor_stays_named():
    dana = get_user_model().objects.create(username="dana")
    entry = deed(1, actor=dana)
    dana.delete()
    entry.refresh_from_db()
    assert entry.actor == "dana"


@pytest.mark.parametrize("table", ["shared_auditentry", "shared_auditseal"])
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"],
)
def test_nobody_changes_the_trail(trail, table, statement):
    column = "reason" if table == "shared_auditentry" else "entry_id"
    refused = pytest.raises(IntegrityError, match="append-only")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table, column, column))
    assert (AuditEntry.objects.count(), AuditSeal.objects.count()) == (6, 6)


# --- Sealing ------------------------------------------------------------------


def test_seals_each_entry_once_in_order(trail):
    seals = list(AuditSeal.objects.order_by("position"))
    assert [seal.position for seal in seals] == [1, 2, 3, 4, 5, 6]
    assert [seal.entry_id for seal in seals] == [entry.pk for entry in trail]
    assert bytes(seals[0].previous) == GENESIS
    for before, after in zip(seals, seals[1:], strict=False):
        assert bytes(after.previous) == bytes(before.digest)
    assert seal_audit(now=LATER) == 0
    assert findings() == []


@pytest.mark.django_db
def test_an_empty_trail_is_sound():
    assert seal_audit(now=NOON) == 0
    assert audit_head() == Head(GENESIS, 0)
    assert findings() == []


def test_an_id_that_became_visible_late_is_sealed_too(trail):
    late = AuditEntry(pk=trail[0].pk - 1, at=NOON, actor="slow", action="x", detail={})
    late.save(force_insert=True)
    assert seal_audit(now=NOON) == 1
    assert AuditSeal.objects.get(position=7).entry_id == late.pk
    assert findings() == []


@pytest.mark.django_db
def test_many_are_sealed_in_batches(monkeypatch):
    monkeypatch.setattr("crm.shared.audit._BATCH", 4)
    for number in range(10):
        deed(number)
    assert seal_audit(now=NOON) == 10
    assert audit_head().position == 10
    assert findings() == []


def test_the_new_head_is_logged(db, caplog):
    deed(1)
    with caplog.at_level(logging.INFO, logger="crm.audit"):
        seal_audit(now=NOON)
    (line,) = [each for each in caplog.records if each.name == "crm.audit"]
    assert Head.parse(f"{line.digest}:{line.position}") == audit_head()


@pytest.mark.django_db
def test_the_task_seals():
    deed(1)
    tasks.seal_audit()
    assert audit_head().position == 1


@pytest.mark.django_db(transaction=True)
def test_sealers_at_the_same_time_make_one_chain():
    for number in range(30):
        deed(number)
    barrier, counts = Barrier(4), []

    def seal():
        barrier.wait()
        counts.append(seal_audit(now=NOON))
        connection.close()

    threads = [Thread(target=seal) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 30
    assert AuditSeal.objects.count() == 30
    assert findings() == []


# --- Tampering ----------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        "at = at + interval '1 microsecond'",
        "actor_id = 7",
        "actor = 'somebody'",
        "action = 'points.spend'",
        "object_type = 'members.User'",
        "object_id = 'mem_9'",
        "reason = reason || ' '",
        "detail = jsonb_set(detail, '{points}', '4')",
        "detail = detail - '名'",
        "request_id = 'req_1'",
    ],
)
def test_an_edited_entry_is_found(trail, change):
    with superuser() as cursor:
        cursor.execute(
            f"UPDATE shared_auditentry SET {change} WHERE id = %s", [trail[2].pk]
        )
    assert findings() == [
        f"Entry {trail[2].pk} does not match seal 3: one of them was changed."
    ]


def test_a_deleted_entry_is_found(trail):
    with superuser() as cursor:
        cursor.execute("DELETE FROM shared_auditentry WHERE id = %s", [trail[2].pk])
    assert findings() == [f"Entry {trail[2].pk}, seal 3, was deleted."]


@pytest.mark.parametrize(
    ("gone", "said"),
    [([1], "Seal 1 is missing."), ([3], "Seal 3 is missing.")],
)
def test_a_deleted_seal_is_found(trail, gone, said):
    with superuser() as cursor:
        cursor.execute("DELETE FROM shared_auditseal WHERE position = ANY(%s)", [gone])
    found = findings()
    assert found[0] == said
    assert len(found) == 2  # its entry is not sealed any more
    assert "was never sealed" in found[1]


def test_several_deleted_seals_are_found(trail):
    with superuser() as cursor:
        cursor.execute("DELETE FROM shared_auditseal WHERE position IN (2, 3, 4)")
    assert findings()[0] == "Seals 2 to 4 are missing."


def test_an_entry_and_its_seal_deleted_together_are_found(trail):
    with superuser() as cursor:
        cursor.execute("DELETE FROM shared_auditseal WHERE position = 3")
        cursor.execute("DELETE FROM shared_auditentry WHERE id = %s", [trail[2].pk])
    assert findings() == ["Seal 3 is missing."]


def test_closing_the_gap_by_renumbering_is_found(trail):
    with superuser() as cursor:
        cursor.execute("DELETE FROM shared_auditseal WHERE position = 3")
        cursor.execute("DELETE FROM shared_auditentry WHERE id = %s", [trail[2].pk])
        for position in (4, 5, 6):
            cursor.execute(
                "UPDATE shared_auditseal SET position = %s WHERE position = %s",
                [position - 1, position],
            )
    assert "Seal 3 does not follow the seal before it." in findings()


def test_reordered_entries_are_found(trail):
    with superuser() as cursor:
        cursor.execute(
            "UPDATE shared_auditseal SET entry_id = -entry_id WHERE position IN (2, 3)"
        )
        for position, entry in ((2, trail[2]), (3, trail[1])):
            cursor.execute(
                "UPDATE shared_auditseal SET entry_id = %s WHERE position = %s",
                [entry.pk, position],
            )
    assert findings() == [
        f"Entry {trail[2].pk} does not match seal 2: one of them was changed.",
        f"Entry {trail[1].pk} does not match seal 3: one of them was changed.",
    ]


@pytest.mark.parametrize("column", ["previous", "digest"])
def test_a_changed_seal_is_found(trail, column):
    with superuser() as cursor:
        cursor.execute(
            f"UPDATE shared_auditseal SET {column} = set_byte({column}, 0, "
            f"(get_byte({column}, 0) + 1) %% 256) WHERE position = 3",
            [],
        )
    assert findings()


def test_a_chain_forged_anew_is_found_by_a_head_kept_elsewhere(trail):
    kept = audit_head()
    with superuser() as cursor:
        cursor.execute(
            "UPDATE shared_auditentry SET reason = '' WHERE id = %s", [trail[2].pk]
        )
        cursor.execute("DELETE FROM shared_auditseal")
    seal_audit(now=NOON)
    assert findings() == []
    (said,) = findings(expected=kept)
    assert str(kept) in said


def test_a_cut_off_end_is_found_by_a_head_kept_elsewhere(trail):
    kept = audit_head()
    with superuser() as cursor:
        cursor.execute("DELETE FROM shared_auditseal WHERE position > 4")
        cursor.execute("DELETE FROM shared_auditentry WHERE id > %s", [trail[3].pk])
    assert findings() == []
    (said,) = findings(expected=kept)
    assert said.endswith(f"it ends with {audit_head()}.")


def test_an_older_head_still_holds_when_the_chain_grew(trail):
    kept = audit_head()
    deed(7)
    seal_audit(now=NOON)
    assert findings(expected=kept) == []
    assert findings(expected=Head(GENESIS, 0)) == []


@pytest.mark.django_db
def test_an_entry_kept_out_of_the_chain_is_found_after_a_while():
    entry = deed(0)
    assert list(find_tampering(now=NOON + timedelta(minutes=9))) == []
    (said,) = find_tampering(now=NOON + timedelta(minutes=11))
    assert said == f"Entry {entry.pk} of {NOON.isoformat()} was never sealed."


# --- The command --------------------------------------------------------------


def verify(*words):
    out, err = StringIO(), StringIO()
    call_command("verify_audit", *words, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_command_prints_the_head(trail):
    out, err = verify()
    assert (Head.parse(out.strip()), err) == (audit_head(), "")
    assert verify("--expect-head", out.strip())[0] == out


def test_command_fails_with_a_sentence_per_finding(trail):
    with superuser() as cursor:
        cursor.execute("DELETE FROM shared_auditentry WHERE id <= %s", [trail[1].pk])
    err = StringIO()
    with pytest.raises(CommandError, match="not as it was written: 2"):
        call_command("verify_audit", stderr=err)
    assert len(err.getvalue().splitlines()) == 2


def test_command_seals_first_when_asked(trail):
    deed(8, now=datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(CommandError):
        verify()
    assert Head.parse(verify("--seal")[0].strip()).position == 7


@pytest.mark.parametrize("head", ["x", "00:1", "zz:zz", "ab", f"{'0' * 64}:-1"])
def test_command_refuses_what_is_no_head(db, head):
    with pytest.raises(CommandError, match="HEX:POSITION"):
        verify("--expect-head", head)
