"""Doors for the workers: relaying facts, running jobs, sweeping."""

from celery import shared_task

from crm.shared import allowances, audit, idempotency, jobs, outbox
from crm.shared.clock import now
from crm.shared.hints import hint_on_commit

#: Deliveries per task: a task stays short, and the rest gets a hint of its own.
_PER_TASK = 200


@shared_task
def relay_facts() -> None:
    """Deliver what is due; many of these may run at once."""
    if outbox.relay(now=now(), limit=_PER_TASK) == _PER_TASK:
        hint_on_commit(outbox.RELAY_TASK)


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
