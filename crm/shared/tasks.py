"""Doors for the workers: relaying facts, running jobs, sweeping."""

import logging
import threading
from typing import Any, NoReturn

from celery import shared_task
from celery.signals import worker_init
from django.db import connection

from crm.shared import allowances, approvals, audit, idempotency, jobs, outbox
from crm.shared.clock import now
from crm.shared.hints import hint_on_commit

log = logging.getLogger(__name__)

#: Deliveries per task: a task stays short, and the rest gets a hint of its own.
_PER_TASK = 200
#: Seconds between two sweeps of a worker.
_SWEEP_SECONDS = 5.0


@shared_task
def relay_facts() -> None:
    """Deliver what is due; many of these may run at once."""
    if outbox.relay(now=now(), limit=_PER_TASK) == _PER_TASK:
        hint_on_commit(outbox.RELAY_TASK)


def sweep() -> None:
    """Deliver all that is due; a failure is logged and left to the next sweep."""
    try:
        while outbox.relay(now=now(), limit=_PER_TASK) == _PER_TASK:
            continue
    except Exception as error:
        # The database may be starting again; whatever it is, the worker lives on.
        log.warning(
            "A sweep failed; another follows.", extra={"error": type(error).__name__}
        )
    finally:
        connection.close()


def _sweep_for_ever() -> NoReturn:
    pause = threading.Event()
    while True:
        pause.wait(_SWEEP_SECONDS)
        sweep()


@worker_init.connect
def start_sweeping(**_: Any) -> None:
    """Sweep in a thread of each worker: no broker is needed for what hints promise.

    A broker that is away, wiped or slow to take its worker back delays a hint, never a
    delivery by more than one sweep.
    """
    threading.Thread(target=_sweep_for_ever, name="sweep", daemon=True).start()


@shared_task
def run_job(job_id: int) -> None:
    """Run a job to its end. No time limit: its own lease and fence guard it."""
    jobs.run_job(job_id)


@shared_task
def resume_jobs() -> None:
    """Hint again at jobs whose hint or worker was lost."""
    jobs.resume_jobs()


@shared_task
def seal_audit() -> None:
    """Extend the chain over new audit entries."""
    audit.seal_audit(now=now())


@shared_task
def forget_idempotency_keys() -> None:
    """Delete answers kept for seven days."""
    idempotency.forget_old_keys()


@shared_task
def forget_allowances() -> None:
    """Delete counts of tries whose time is over."""
    allowances.forget_old_allowances(now=now())


@shared_task
def expire_approvals() -> None:
    """Close what waited too long for a second person."""
    approvals.expire_approvals(now=now())
