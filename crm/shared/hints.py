"""Hints to the workers: "there is something to do, look now".

A hint may be lost; the sweep of each worker (``crm.shared.tasks``) and those of
``CELERY_BEAT_SCHEDULE`` find the work a few seconds later. So a request never waits
for the broker: a thread of this process publishes, and a broker that is away costs one
log line.
"""

import logging
import os
import threading
from functools import partial
from typing import Any

from django.db import connection, transaction

from crm.celery import app

log = logging.getLogger(__name__)

#: Seconds of silence after a broker error.
PAUSE_SECONDS = 2.0

Hint = tuple[str, tuple[Any, ...]]


class _Publisher:
    """One thread per process that publishes what is wanted, each hint once."""

    def __init__(self) -> None:
        self.wanted: dict[Hint, None] = {}
        self.lock = threading.Lock()
        self.work = threading.Event()
        self.process = 0

    def want(self, hint: Hint) -> None:
        """Take a hint; the same one waiting already is one hint."""
        with self.lock:
            self.wanted[hint] = None
            if self.process != os.getpid():  # First use here, or after a fork.
                self.process = os.getpid()
                self.work = threading.Event()
                threading.Thread(
                    target=self.run, args=(self.work,), name="hints", daemon=True
                ).start()
            self.work.set()

    def run(self, work: threading.Event) -> None:
        """Publish for ever; after an error drop what waits and be quiet a moment."""
        while True:
            work.wait()
            with self.lock:
                work.clear()
                hints, self.wanted = list(self.wanted), {}
            for task, args in hints:
                if not publish(task, args):
                    threading.Event().wait(PAUSE_SECONDS)
                    break


def publish(task: str, args: tuple[Any, ...]) -> bool:
    """Send one hint now; whether the broker took it. Never raises."""
    try:
        # Named, not celery.current_app: that is another app in a thread of its own.
        app.send_task(task, args=args, retry=False, ignore_result=True)
    except Exception as error:
        # Whatever a transport raises, the sweep will do what the hint could not.
        log.warning(
            "The broker did not take a hint; the next sweep will do the work.",
            extra={"task": task, "error": type(error).__name__},
        )
        return False
    return True


_publisher = _Publisher()


def hint_on_commit(task: str, *args: Any) -> None:
    """Hint at ``task`` once the open transaction has committed, once however often."""
    hint: Hint = (task, args)
    waiting = (entry[1] for entry in connection.run_on_commit)
    if any(getattr(call, "args", None) == (hint,) for call in waiting):
        return
    transaction.on_commit(partial(_publisher.want, hint), robust=True)
