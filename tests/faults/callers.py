"""Many callers at once, on real connections, and how to take their guards away.

A race is believed only beside its *control*: the same callers without the guard, who
must go wrong. A control that stays right would mean that the race never happened.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection

#: Connections that callers share; more of them only wait longer for one row.
MOST_CONNECTIONS = 16
#: Nobody waits longer for the others than this; a lost caller fails the test.
PATIENCE_SECONDS = 60


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Make calls that start together; return what each gave or raised, in order.

    Up to ``MOST_CONNECTIONS`` run at any moment. As soon as one has its answer the
    next one is made on its connection.
    """
    answers: list[Any] = [None] * len(calls)
    waiting = iter(range(len(calls)))
    taking = threading.Lock()
    count = min(len(calls), MOST_CONNECTIONS)
    start = threading.Barrier(count)

    def serve() -> None:
        try:
            start.wait(PATIENCE_SECONDS)
            while True:
                with taking:
                    number = next(waiting, None)
                if number is None:
                    return
                try:
                    answers[number] = calls[number]()
                except Exception as error:
                    answers[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=serve, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10 * PATIENCE_SECONDS)
    return answers


def tally(answers: Sequence[Any]) -> Counter:
    """Count answers, and what was raised by the name of its class."""
    return Counter(
        type(each).__name__ if isinstance(each, Exception) else each for each in answers
    )


def all_at_once(count: int, work: Callable[[int], Any]) -> Counter:
    """Let so many callers do ``work(number)`` at once and count what came of it."""
    return tally(at_once([lambda n=number: work(n) for number in range(count)]))


def rendezvous(count: int) -> Callable[[], Any]:
    """Return a function that lets nobody pass before ``count`` have come.

    Put where a guard was taken away, it makes sure that the race happens.
    """
    barrier = threading.Barrier(count, timeout=PATIENCE_SECONDS)
    return barrier.wait


def without(table: str, *constraints: str) -> None:
    """Drop constraints of this test's own database."""
    with connection.cursor() as cursor:
        for name in constraints:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
