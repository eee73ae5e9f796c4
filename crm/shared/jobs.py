"""Background jobs: long work in chunks that outlives any worker.

A job function from ``crm.wiring.JOBS`` is called as ``fn(progress)``. It does its work
in chunks of a few seconds and ends each with :meth:`JobProgress.advance` inside the
chunk's transaction, so that chunk, counters and cursor commit together. A killed
worker's job is taken up again at the cursor; a worker that has lost its job (it was
asleep for longer than the lease) cannot commit another chunk.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from crm import wiring
from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.hints import hint_on_commit
from crm.shared.logs import bound_to, describe
from crm.shared.models import Job, JobLine

log = logging.getLogger(__name__)

RUN_TASK = "crm.shared.tasks.run_job"
#: A running job without a sign of life for this long belongs to nobody.
LEASE = timedelta(seconds=30)
#: Claims of one job without any progress in between before it is given up.
MOST_ATTEMPTS = 5
_State = Job.State


class JobKindUnknown(Refusal):
    """There is no such kind of job."""

    code = "job_kind_unknown"
    message = _("There is no such kind of job.")


class JobNotCancellable(Refusal):
    """This job has already ended."""

    code = "job_not_cancellable"
    message = _("This job has already ended.")


class JobNotRetryable(Refusal):
    """Only a failed or cancelled job can be tried again."""

    code = "job_not_retryable"
    message = _("Only a failed or cancelled job can be tried again.")


class JobCancelled(Exception):
    """Somebody asked for the job to stop; the open chunk is undone."""


class LeaseLost(Exception):
    """Another worker has the job now; the open chunk is undone."""


class JobFailed(Exception):
    """The work cannot be done; the message is shown to staff as it is."""


def enqueue(
    *, kind: str, params: dict[str, Any], owner: Any | None, now: datetime
) -> Job:
    """Write a job to be run after commit, and return it.

    Args:
        kind: a key of ``crm.wiring.JOBS``.
        params: JSON values the function needs; ids, not personal data.
        owner: the user who asked, or None for the house itself.
        now: the shop's time, told to the function as ``progress.asked_at``.

    Raises:
        JobKindUnknown: ``kind`` is not wired.
    """
    if kind not in wiring.JOBS:
        raise JobKindUnknown
    job = Job.objects.create(kind=kind, params=params, owner=owner, asked_at=now)
    hint_on_commit(RUN_TASK, job.pk)
    return job


class JobProgress:
    """What a running job function sees of its job.

    ``params`` and ``files`` as enqueued; ``cursor`` as the last committed chunk left
    it (``{}`` at first); ``asked_at`` the shop's time of the request.
    """

    def __init__(self, job: Job) -> None:
        """Stand for one claim of ``job``; the fence tells it from others."""
        self.job_id = job.pk
        self.public_id = job.public_id
        self.fence = job.fence
        self.owner_id = job.owner_id
        self.asked_at = job.asked_at
        self.params: dict[str, Any] = job.params
        self.files: dict[str, Any] = job.files
        self.cursor: dict[str, Any] = job.cursor
        self.done, self.total = job.done, job.total

    def advance(
        self,
        *,
        done: int | None = None,
        total: int | None = None,
        cursor: dict[str, Any] | None = None,
        message: str | None = None,
        result: dict[str, Any] | None = None,
        files: dict[str, Any] | None = None,
    ) -> None:
        """Write how far the work has come, in one statement of the open transaction.

        Call it last in a chunk's transaction: it takes the job's row lock.

        Args:
            done: units done in all, not in this chunk.
            total: units there are in all, once known.
            cursor: where the next chunk begins.
            message: one line for staff, at most 200 characters.
            result: what the job has to show, such as counts.
            files: names in default storage, by their role.

        Raises:
            JobCancelled: somebody asked the job to stop.
            LeaseLost: another worker has taken the job over.
        """
        changes: dict[str, Any] = {
            "done": done,
            "total": total,
            "cursor": cursor,
            "message": None if message is None else message[:200],
            "result": result,
            "files": files,
        }
        changes = {name: value for name, value in changes.items() if value is not None}
        if done is not None or cursor is not None:
            changes["attempts"] = 0  # Only claims without progress count.
        written = (
            self._mine()
            .filter(cancel_requested=False)
            .update(heartbeat_at=Now(), **changes)
        )
        if not written:
            raise JobCancelled if self._mine().exists() else LeaseLost
        for name in ("done", "total", "cursor", "files"):
            setattr(self, name, changes.get(name, getattr(self, name)))

    def heartbeat(self) -> None:
        """Say "still alive" in the middle of a long chunk; raises as ``advance``."""
        self.advance()

    def log(self, text: str) -> None:
        """Add a line to the job's log, at most 500 characters; no personal data."""
        JobLine.objects.create(job_id=self.job_id, text=text[:500])

    def _mine(self):
        return Job.objects.filter(
            pk=self.job_id, fence=self.fence, state=_State.RUNNING
        )


_CLAIM = """
UPDATE shared_job SET state = 'running', fence = fence + 1, attempts = attempts + 1,
       heartbeat_at = statement_timestamp(), resumed_at = statement_timestamp(),
       resumed_done = done,
       started_at = coalesce(started_at, statement_timestamp())
 WHERE id = %s AND (state = 'queued'
    OR (state = 'running' AND heartbeat_at < statement_timestamp() - %s))
"""


def run_job(job_id: int) -> bool:
    """Run one job to its end if it is free; whether this call ran it.

    Safe to call any number of times at once: the claim is one conditional UPDATE.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [job_id, LEASE])
        if not cursor.rowcount:
            return False
    job = Job.objects.get(pk=job_id)
    progress = JobProgress(job)
    with bound_to(job=job.public_id, kind=job.kind):
        if job.cancel_requested:
            _finish(progress, _State.CANCELLED)
        elif job.attempts > MOST_ATTEMPTS:
            # Its worker died every time without one chunk done: it kills workers.
            _finish(progress, _State.FAILED, error=_DIED)
        else:
            _run(progress, job.kind)
    return True


_DIED = "WorkerDied: the worker ended before any progress, five times."


def _run(progress: JobProgress, kind: str) -> None:
    try:
        work: Callable[[JobProgress], Any] = import_string(wiring.JOBS[kind])
        result = work(progress)
    except JobCancelled:
        _finish(progress, _State.CANCELLED)
    except LeaseLost:
        log.warning("The job goes on elsewhere.")
    except JobFailed as refusal:
        _finish(progress, _State.FAILED, error=str(refusal))
    except Refusal as refusal:
        _finish(progress, _State.FAILED, error=f"{refusal.code}: {refusal}")
    except Exception as error:  # Whatever a job raises ends the job, not the worker.
        log.exception("A job failed.")
        _finish(progress, _State.FAILED, error=describe(error))
    else:
        _finish(progress, _State.DONE, result=result)


def _finish(
    progress: JobProgress, state: str, *, error: str = "", result: Any = None
) -> None:
    changes = {"result": result} if isinstance(result, dict) else {}
    finished = progress._mine().update(
        state=state,
        error=error[:300],
        finished_at=Now(),
        heartbeat_at=Now(),
        **changes,
    )
    if finished:
        log.info("A job ended.", extra={"event": state})


def resume_jobs() -> int:
    """Hint again at every job that nobody runs; return how many.

    Queued ones whose hint was lost, and running ones without a sign of life for
    longer than the lease. The claim in ``run_job`` decides; this may hint too often.
    """
    stale = Q(state=_State.RUNNING, heartbeat_at__lt=Now() - LEASE)
    # A job just queued has its own hint under way.
    lost = Q(state=_State.QUEUED, created_at__lt=Now() - timedelta(seconds=5))
    waiting = list(
        Job.objects.filter(stale | lost).order_by("id").values_list("pk", flat=True)
    )
    for pk in waiting:
        hint_on_commit(RUN_TASK, pk)
    return len(waiting)


def run_all_queued() -> int:
    """Run every queued job here and now and return how many. For tests and commands."""
    ran = 0
    while pk := (
        Job.objects.filter(state=_State.QUEUED)
        .order_by("id")
        .values_list("pk", flat=True)
        .first()
    ):
        ran += run_job(pk)
    return ran


@transaction.atomic
def cancel_job(*, job_id: int, actor: Any, now: datetime) -> None:
    """Stop a job: at once if it waits, else after the chunk it is in.

    Chunks already committed stay. Asking twice is harmless.

    Raises:
        JobNotCancellable: it has ended.
    """
    waiting = Job.objects.filter(pk=job_id, state=_State.QUEUED)
    running = Job.objects.filter(pk=job_id, state=_State.RUNNING)
    stopped = waiting.update(
        state=_State.CANCELLED, cancel_requested=True, finished_at=Now()
    ) or running.update(cancel_requested=True)
    if not stopped:
        raise JobNotCancellable
    record_audit(
        actor=actor, action="job.cancel", obj=Job.objects.get(pk=job_id), now=now
    )


@transaction.atomic
def retry_job(*, job_id: int, actor: Any, now: datetime) -> None:
    """Queue a failed or cancelled job again; it goes on at its cursor.

    Raises:
        JobNotRetryable: it waits, runs or is done.
    """
    queued = Job.objects.filter(
        pk=job_id, state__in=[_State.FAILED, _State.CANCELLED]
    ).update(
        state=_State.QUEUED,
        attempts=0,
        error="",
        cancel_requested=False,
        finished_at=None,
        heartbeat_at=None,
        fence=F("fence") + 1,
    )
    if not queued:
        raise JobNotRetryable
    record_audit(
        actor=actor, action="job.retry", obj=Job.objects.get(pk=job_id), now=now
    )
    hint_on_commit(RUN_TASK, job_id)


def job_view(job: Job, *, lines: int = 50) -> dict[str, Any]:
    """Return what a page shows of a job; the last ``lines`` of its log, in order.

    ``poll`` says whether to ask again in two seconds; ``seconds_left`` and
    ``per_second`` are None while unknown.
    """
    newest = list(job.lines.order_by("-id").values("at", "text")[:lines])
    rate, left = job.per_second, job.time_left
    return {
        "id": job.public_id,
        "kind": job.kind,
        "state": job.state,
        "state_label": job.get_state_display(),
        "done": job.done,
        "total": job.total,
        "percent": job.percent,
        "per_second": None if rate is None else round(rate, 1),
        "seconds_left": None if left is None else int(left.total_seconds()),
        "message": job.message,
        "error": job.error,
        "result": job.result,
        "files": job.files,
        "lines": newest[::-1],
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "poll": job.is_open,
        "can_cancel": job.is_open and not job.cancel_requested,
        "can_retry": job.state in {_State.FAILED, _State.CANCELLED},
    }
