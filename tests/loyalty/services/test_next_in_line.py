"""Who waited for an account lets go of it before the disk, and answers after it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from crm.shared import flushing
from loyalty.services.adjusting import grant_points
from loyalty.services.redeeming import redeem_points
from tests.cast import NOON
from tests.loyalty.books import account_of, assert_sound

pytestmark = pytest.mark.django_db(transaction=True)


def asked(question: str):
    with connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0]


@pytest.fixture
def rich(alice):
    """A member with points, on a server that puts each commit on disk."""
    grant_points(
        member_id=alice.pk, points=100, reason="x", actor="t", source="s", now=NOON
    )
    asked("SELECT set_config('synchronous_commit', 'on', false)")
    yield alice
    asked("SELECT set_config('synchronous_commit', 'off', false)")
    connection.close()


@pytest.fixture
def flushed(monkeypatch):
    """What the log held before each wait for the disk, and whether it was there then."""
    seen = []
    really = flushing._flush

    def flush():
        lsn = asked("SELECT pg_current_wal_insert_lsn()::text")
        really()
        seen.append(asked(f"SELECT pg_current_wal_flush_lsn() >= '{lsn}'"))

    monkeypatch.setattr(flushing, "_flush", flush)
    return seen


@pytest.fixture
def held(rich):
    """Return a function: hold the account until somebody waits for it, do ``work``."""

    def hold(work):
        has, done = threading.Event(), threading.Event()

        def first():
            try:
                with transaction.atomic():
                    redeem_points(member_id=rich.pk, points=1, source="1st", now=NOON)
                    has.set()
                    while not done.is_set() and not asked(
                        "SELECT count(*) FROM pg_locks WHERE NOT granted"
                        " AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
                    ):
                        done.wait(0.01)
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as others:
            holding = others.submit(first)
            has.wait(20)
            try:
                return work()
            finally:
                done.set()
                holding.result()

    return hold


def spend(member, source="2nd"):
    return redeem_points(member_id=member.pk, points=5, source=source, now=NOON)


def test_who_waited_answers_once_it_is_on_disk(rich, held, flushed):
    assert held(lambda: spend(rich)).seq == 3
    assert flushed == [True]
    assert account_of(rich).balance == 94
    assert asked("SHOW synchronous_commit") == "on", "only of that transaction"
    assert_sound()


def test_in_a_transaction_the_wait_comes_after_its_commit(rich, held, flushed):
    def several():
        with transaction.atomic():
            spend(rich)
            assert asked("SHOW synchronous_commit") == "off"
            assert flushed == []

    held(several)
    assert flushed == [True]
    assert asked("SHOW synchronous_commit") == "on"


def test_what_is_undone_waits_for_nothing(rich, held, flushed):
    def undone():
        with transaction.atomic():
            spend(rich)
            transaction.set_rollback(True)

    held(undone)
    assert flushed == []
    assert account_of(rich).balance == 99


def test_who_did_not_wait_commits_as_ever(rich, flushed):
    with transaction.atomic():
        spend(rich)
        assert asked("SHOW synchronous_commit") == "on"
    assert flushed == []


def test_what_was_done_before_is_on_disk_before_it_is_said_again(rich, flushed):
    first = spend(rich)
    assert spend(rich) == first
    assert flushed == [True]


def test_without_the_wait_it_would_not_be_on_disk(rich, held, monkeypatch):
    """The control: the log is flushed by nobody while the answer is given."""
    seen = []

    def nothing():
        lsn = asked("SELECT pg_current_wal_insert_lsn()::text")
        seen.append(asked(f"SELECT pg_current_wal_flush_lsn() >= '{lsn}'"))

    monkeypatch.setattr(flushing, "_flush", nothing)
    # The server's own writer comes by now and then: not five times just in between.
    for number in range(5):
        held(lambda source=f"2nd:{number}": spend(rich, source))
    assert False in seen
