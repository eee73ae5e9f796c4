import time

from django.db import OperationalError, transaction

from crm.celery import app
from crm.shared import hints, tasks


def test_hints_of_one_transaction_are_one_and_wait_for_commit(
    transactional_db, monkeypatch
):
    wanted = []
    monkeypatch.setattr(hints._publisher, "want", wanted.append)
    with transaction.atomic():
        hints.hint_on_commit("a.task")
        hints.hint_on_commit("a.task")
        hints.hint_on_commit("a.task", 5)
        assert wanted == []
    assert wanted == [("a.task", ()), ("a.task", (5,))]


def test_a_rolled_back_transaction_hints_at_nothing(transactional_db, monkeypatch):
    wanted = []
    monkeypatch.setattr(hints._publisher, "want", wanted.append)
    with transaction.atomic():
        hints.hint_on_commit("a.task")
        transaction.set_rollback(True)
    assert wanted == []


def test_a_broker_that_is_away_breaks_nothing(monkeypatch, caplog):
    def refuse(*args, **kwargs):
        raise ConnectionRefusedError("no broker at secret:password@host")

    monkeypatch.setattr(app, "send_task", refuse)
    assert hints.publish("a.task", ()) is False
    assert "did not take a hint" in caplog.text
    assert "password" not in caplog.text


def test_want_never_waits_for_the_broker(monkeypatch):
    arrived = []

    def slow(task, args):
        arrived.append(task)
        time.sleep(0.5)
        return True

    monkeypatch.setattr(hints, "publish", slow)
    publisher = hints._Publisher()
    started = time.perf_counter()
    for _ in range(1000):
        publisher.want(("a.task", ()))
    assert time.perf_counter() - started < 0.4
    time.sleep(1.2)
    assert 1 <= len(arrived) <= 2  # A thousand wishes, one or two hints.


def test_the_thread_publishes_what_is_wanted(monkeypatch):
    sent = []
    monkeypatch.setattr(hints, "publish", lambda *hint: sent.append(hint) or True)
    publisher = hints._Publisher()
    publisher.want(("a.task", (1,)))
    deadline = time.monotonic() + 5
    while not sent and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sent == [("a.task", (1,))]


def test_a_hint_from_the_thread_reaches_the_broker_of_the_settings():
    """In a thread of its own ``celery.current_app`` would be another app."""
    task = "tests.hint_that_arrives"
    publisher = hints._Publisher()
    publisher.want((task, (7,)))
    with app.connection_for_read() as connection:
        queue = connection.SimpleQueue("celery")
        message = queue.get(timeout=5)
        while message.headers["task"] != task:
            message.ack()
            message = queue.get(timeout=5)
        message.ack()
        queue.close()
    assert message.payload[0] == [7]


def test_a_sweep_delivers_without_a_broker(transactional_db, monkeypatch):
    monkeypatch.setattr(hints, "publish", lambda task, args: False)
    delivered = []
    left = iter([200, 200, 7])
    monkeypatch.setattr(
        tasks.outbox, "relay", lambda **_: delivered.append(next(left)) or delivered[-1]
    )
    tasks.sweep()
    assert delivered == [200, 200, 7]


def test_a_sweep_that_fails_leaves_the_work_to_the_next(
    transactional_db, monkeypatch, caplog
):
    def refuse(**_):
        raise OperationalError("the database of 13800138000 is starting")

    monkeypatch.setattr(tasks.outbox, "relay", refuse)
    tasks.sweep()
    assert "A sweep failed" in caplog.text
    assert "13800138000" not in caplog.text
