import threading
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.db.models import F
from django.db.models.functions import Now

from crm import wiring
from crm.shared import logs, outbox
from crm.shared.models import AuditEntry, Delivery, Fact
from crm.shared.outbox import drain, record, relay, replay
from tests.shared import outbox_cast
from tests.shared.outbox_cast import HERE, NOON, Happened, OrderMoved, traces


@pytest.fixture
def subscribe(monkeypatch):
    def to(fact, *functions):
        paths = [f"{HERE}.{name}" for name in functions]
        monkeypatch.setitem(wiring.SUBSCRIBERS, fact.name, paths)

    return to


def due_now():
    Delivery.objects.update(due_at=Now() - timedelta(seconds=1))


def test_a_fact_outside_a_transaction_is_refused(transactional_db, subscribe):
    subscribe(Happened, "leave_trace")
    with pytest.raises(RuntimeError, match=r"tests\.Happened"):
        record(Happened(1))
    assert not Fact.objects.exists()


def test_fact_and_change_part_never(db, subscribe):
    subscribe(Happened, "leave_trace")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record(Happened(1))
        raise ZeroDivisionError
    assert not Fact.objects.exists()
    assert not Delivery.objects.exists()


def test_one_delivery_per_subscriber_in_the_wired_order(db, subscribe):
    subscribe(Happened, "leave_trace", "leave_trace_then_fail")
    with logs.bound_to(request_id="req_1"):
        fact = record(Happened(7))
    fact.refresh_from_db()
    assert (fact.name, fact.payload, fact.request_id) == (
        "tests.Happened",
        {"number": 7},
        "req_1",
    )
    assert list(
        fact.deliveries.order_by("id").values_list("subscriber", "state", "attempts")
    ) == [
        (f"{HERE}.leave_trace", "pending", 0),
        (f"{HERE}.leave_trace_then_fail", "pending", 0),
    ]


@dataclass(frozen=True)
class Anything:
    name: ClassVar[str] = "tests.Anything"
    value: Any


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        (True, True),
        ("文", "文"),
        ((1, 2), [1, 2]),
        ({"a": date(2026, 1, 2)}, {"a": "2026-01-02"}),
        (NOON, "2026-03-01T12:00:00+00:00"),
        (Happened(3), {"number": 3}),
    ],
)
def test_payload_is_plain_json(db, value, kept):
    fact = record(Anything(value))
    fact.refresh_from_db()
    assert fact.payload == {"value": kept}


@pytest.mark.parametrize("value", [1.5, object(), b"x", {"a": 0.1}])
def test_payload_refuses_what_is_not_plain(db, value):
    with pytest.raises(TypeError, match="cannot hold"):
        record(Anything(value))
    assert not Fact.objects.exists()


def test_delivers_once_and_tells_the_time_it_was_given(db, subscribe):
    subscribe(Happened, "leave_trace")
    record(Happened(1))
    record(Happened(2))
    assert relay(now=NOON) == 2
    assert relay(now=NOON) == 0
    assert traces() == ["1", "2"]
    assert set(AuditEntry.objects.values_list("at", flat=True)) == {NOON}
    assert set(Delivery.objects.values_list("state", "attempts")) == {("done", 1)}


def test_relay_stops_at_its_limit(db, subscribe):
    subscribe(Happened, "leave_trace")
    for number in range(5):
        record(Happened(number))
    assert relay(now=NOON, limit=3) == 3
    assert traces() == ["0", "1", "2"]
    assert drain(now=NOON) == 2


def test_a_failing_subscriber_leaves_nothing_and_does_not_stop_the_others(
    db, subscribe
):
    subscribe(Happened, "leave_trace_then_fail", "leave_trace")
    record(Happened(1))
    assert relay(now=NOON) == 2
    assert traces() == ["1"]
    failed = Delivery.objects.get(state="pending")
    assert failed.attempts == 1
    assert failed.last_error == "ValueError: no, <e-mail> on #####"
    assert relay(now=NOON) == 0  # Not due yet.


def test_failed_once_then_done_has_one_effect(db, subscribe, monkeypatch):
    subscribe(Happened, "leave_trace_then_fail")
    record(Happened(1))
    relay(now=NOON)
    assert traces() == []
    monkeypatch.setattr(outbox_cast, "leave_trace_then_fail", outbox_cast.leave_trace)
    due_now()
    assert relay(now=NOON) == 1
    assert traces() == ["1"]
    assert Delivery.objects.get().last_error == ""


def test_a_missing_subscriber_function_is_a_failure_not_a_loss(db, subscribe):
    subscribe(Happened, "nobody")
    record(Happened(1))
    relay(now=NOON)
    delivery = Delivery.objects.get()
    assert delivery.state == "pending"
    assert delivery.last_error.startswith("ImportError")


def test_stuck_after_ten_tries_and_replayed_by_staff_once(db, subscribe, monkeypatch):
    subscribe(Happened, "leave_trace_then_fail")
    record(Happened(1))
    for _try in range(9):
        due_now()
        relay(now=NOON)
        assert Delivery.objects.get().state == "pending"
    due_now()
    relay(now=NOON)
    stuck = Delivery.objects.get()
    assert (stuck.state, stuck.attempts) == ("stuck", 10)
    due_now()
    assert relay(now=NOON) == 0

    assert replay([stuck.pk], actor="dana", now=NOON) == 1
    assert replay([stuck.pk], actor="dana", now=NOON) == 0
    entry = AuditEntry.objects.get(action="outbox.replay")
    assert (entry.actor, entry.object_id) == ("dana", str(stuck.pk))
    monkeypatch.setattr(outbox_cast, "leave_trace_then_fail", outbox_cast.leave_trace)
    assert relay(now=NOON) == 1
    assert traces() == ["1"]


@pytest.mark.parametrize(
    ("attempt", "least", "most"),
    [(1, 2.5, 5), (2, 5, 10), (5, 40, 80), (10, 1280, 2560), (99, 1800, 3600)],
)
def test_waits_double_up_to_an_hour_less_up_to_half(attempt, least, most):
    waits = {outbox.wait_after(attempt).total_seconds() for _ in range(200)}
    assert least <= min(waits) and max(waits) <= most
    assert len(waits) > 100


def the_claim():
    (claim,) = outbox._claim(10)
    return claim


def test_an_attempt_that_lost_its_lease_does_nothing(db, subscribe):
    subscribe(Happened, "leave_trace")
    record(Happened(1))
    slow = the_claim()
    due_now()  # The lease ran out.
    quick = the_claim()
    assert (quick.delivery_id, quick.attempt) == (slow.delivery_id, slow.attempt + 1)
    assert outbox.deliver(slow, now=NOON) is False
    assert traces() == []
    assert outbox.deliver(quick, now=NOON) is True
    assert outbox.deliver(quick, now=NOON) is False
    assert traces() == ["1"]


def test_a_lost_attempt_that_fails_leaves_the_later_one_alone(db, subscribe):
    subscribe(Happened, "leave_trace")
    record(Happened(1))
    slow = the_claim()
    due_now()
    the_claim()
    outbox._put_off(slow, ValueError("late"))
    assert Delivery.objects.get().last_error == ""


def test_a_claim_holds_for_ten_seconds(db, subscribe):
    subscribe(Happened, "leave_trace")
    record(Happened(1))
    the_claim()
    assert outbox._claim(10) == []
    left = Delivery.objects.values_list(F("due_at") - Now(), flat=True).get()
    assert timedelta(seconds=9) < left <= timedelta(seconds=10)


def test_a_claim_takes_the_longest_due_in_their_order(db, subscribe):
    subscribe(Happened, "leave_trace")
    facts = [record(Happened(number)) for number in range(5)]
    late, early = facts[0], facts[4]
    Delivery.objects.filter(fact=late).update(due_at=Now() - timedelta(seconds=1))
    Delivery.objects.filter(fact=early).update(due_at=Now() - timedelta(seconds=2))
    assert [claim.fact for claim in outbox._claim(3)] == [early, late, facts[1]]
    assert [claim.fact.payload for claim in outbox._claim(3)] == [
        {"number": 2},
        {"number": 3},
    ]


def test_what_ends_its_worker_takes_nobodys_tries_along(db, subscribe):
    subscribe(Happened, "leave_trace")
    poison, *others = [record(Happened(number)) for number in range(5)]
    assert len(outbox._claim(10)) == 5  # And the worker dies, at the first of them.
    due_now()
    for _death in range(9):
        assert the_claim().fact == poison
        # Of the others each comes alone, too, and is done.
        if others:
            alone = the_claim()
            assert alone.fact == others.pop(0)
            assert outbox.deliver(alone, now=NOON) is True
        Delivery.objects.filter(fact=poison).update(due_at=Now() - timedelta(hours=1))
    fresh = record(Happened(9))
    assert relay(now=NOON) == 2
    states = dict(Delivery.objects.values_list("fact", "state"))
    assert states.pop(poison.pk) == "stuck"
    assert set(states.values()) == {"done"} and fresh.pk in states
    assert sorted(traces()) == ["1", "2", "3", "4", "9"]


def test_what_ends_its_worker_each_time_is_stuck_after_ten_tries(db, subscribe):
    subscribe(Happened, "leave_trace")
    record(Happened(1))
    for _try in range(10):
        the_claim()  # And the worker dies.
        due_now()
    assert relay(now=NOON) == 1
    stuck = Delivery.objects.get()
    assert (stuck.state, stuck.attempts) == ("stuck", 11)
    assert stuck.last_error == "RuntimeError: No end of 10 tries is known."
    assert traces() == []


def test_a_delivery_that_runs_longer_than_its_lease_is_nobody_elses(
    transactional_db, subscribe, monkeypatch
):
    subscribe(Happened, "leave_trace")
    with transaction.atomic():
        record(Happened(1))
    seen = []

    def take_long(payload, *, fact, now):
        def claim_meanwhile(_number):
            seen.append(outbox._claim(10))

        in_threads(1, claim_meanwhile)

    monkeypatch.setattr(outbox_cast, "leave_trace", take_long)
    claim = the_claim()
    due_now()  # The lease is over when it begins.
    assert outbox.deliver(claim, now=NOON) is True
    assert seen == [[]]


def test_facts_of_one_key_keep_their_order_others_do_not_wait(
    db, subscribe, monkeypatch
):
    subscribe(OrderMoved, "leave_trace_then_fail")
    record(OrderMoved("a", 1))
    monkeypatch.setattr(outbox, "FIRST_WAIT", timedelta(hours=1))
    relay(now=NOON)  # Step 1 of order a fails and waits.
    monkeypatch.setattr(outbox_cast, "leave_trace_then_fail", outbox_cast.leave_trace)
    record(OrderMoved("a", 2))
    record(OrderMoved("b", 10))
    assert drain(now=NOON) == 1
    assert traces() == ["10"]
    due_now()
    assert drain(now=NOON) == 2
    assert traces() == ["10", "1", "2"]


def test_a_deadlock_is_tried_again_at_once(transactional_db, subscribe, monkeypatch):
    subscribe(Happened, "leave_trace")
    tries = []

    def collide(payload, *, fact, now):
        outbox_cast.record_audit(actor=None, action="test.trace", now=now)
        tries.append(1)
        if len(tries) < 3:
            with connection.cursor() as cursor:
                cursor.execute("DO $$BEGIN RAISE deadlock_detected; END$$")

    monkeypatch.setattr(outbox_cast, "leave_trace", collide)
    with transaction.atomic():
        record(Happened(1))
    assert relay(now=NOON) == 1
    assert len(tries) == 3
    assert len(traces()) == 1
    assert Delivery.objects.get().state == "done"


def test_other_database_errors_are_not_tried_at_once(
    transactional_db, subscribe, monkeypatch
):
    subscribe(Happened, "leave_trace")
    tries = []

    def busy(payload, *, fact, now):
        tries.append(1)
        raise OperationalError("busy with alice@example.com")

    monkeypatch.setattr(outbox_cast, "leave_trace", busy)
    with transaction.atomic():
        record(Happened(1))
    relay(now=NOON)
    assert len(tries) == 1
    assert Delivery.objects.get().last_error == "OperationalError no sqlstate"


def in_threads(count, work):
    """Run ``work`` in threads let go at once; re-raise what any of them raised."""
    gate, failures = threading.Barrier(count), []

    def run(number):
        try:
            gate.wait()
            work(number)
        except Exception as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_four_relays_deliver_each_fact_once(transactional_db, subscribe):
    subscribe(Happened, "leave_trace")
    with transaction.atomic():
        for number in range(60):
            record(Happened(number))
    shares = []
    in_threads(4, lambda _n: shares.append(relay(now=NOON)))
    assert sum(shares) == 60
    assert sorted(map(int, traces())) == list(range(60))
    assert set(Delivery.objects.values_list("state", "attempts")) == {("done", 1)}


def test_keyed_facts_stay_in_order_under_four_relays(transactional_db, subscribe):
    subscribe(OrderMoved, "leave_trace")
    with transaction.atomic():
        for step in range(30):
            record(OrderMoved("a", step))

    def until_done(_number):
        while Delivery.objects.exclude(state="done").exists():
            relay(now=NOON)

    in_threads(4, until_done)
    assert traces() == [str(step) for step in range(30)]


def test_oldest_due_seconds(db, subscribe):
    assert outbox.oldest_due_seconds() == 0
    subscribe(Happened, "leave_trace")
    record(Happened(1))
    Delivery.objects.update(due_at=Now() - timedelta(seconds=90))
    assert 90 <= outbox.oldest_due_seconds() < 95
    drain(now=datetime.now(tz=NOON.tzinfo))
    assert outbox.oldest_due_seconds() == 0
