import signal
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connections
from django.db.models.functions import Now
from django.utils import timezone

from crm import wiring
from crm.shared import hints, jobs
from crm.shared.jobs import (
    JobKindUnknown,
    JobNotCancellable,
    JobNotRetryable,
    cancel_job,
    enqueue,
    job_view,
    resume_jobs,
    retry_job,
    run_job,
)
from crm.shared.models import AuditEntry, Job
from tests import database
from tests.shared import job_cast
from tests.shared.job_cast import HERE, units
from tests.shared.outbox_cast import NOON
from tests.shared.test_outbox import in_threads

ALL = [str(unit) for unit in range(job_cast.UNITS)]


class Killed(BaseException):
    """Like the end of a process: no handler of the job sees it."""


@pytest.fixture(autouse=True)
def wired(monkeypatch):
    for name in ("count_to_ten", "fail", "refuse", "crash"):
        monkeypatch.setitem(wiring.JOBS, f"tests.{name}", f"{HERE}.{name}")
    monkeypatch.setattr(job_cast, "surprises", {})


def queued(name="count_to_ten", **params):
    return enqueue(kind=f"tests.{name}", params=params, owner=None, now=NOON)


def grow_stale(job):
    Job.objects.filter(pk=job.pk).update(heartbeat_at=Now() - timedelta(seconds=31))


def killed():
    def kill(_progress):
        raise Killed

    return kill


def test_runs_to_the_end_and_keeps_count(db):
    job = queued(file="a.csv")
    assert (job.state, job.params, job.asked_at) == ("queued", {"file": "a.csv"}, NOON)
    assert run_job(job.pk) is True
    job.refresh_from_db()
    assert job.state == "done"
    assert (job.done, job.total, job.cursor) == (10, 10, {"next": 10})
    assert job.result == {"counted": 10}
    assert [line.text for line in job.lines.all()] == ["counted"]
    assert job.started_at <= job.finished_at
    assert units() == ALL


def test_an_unknown_kind_is_refused_and_nothing_written(db):
    with pytest.raises(JobKindUnknown):
        enqueue(kind="tests.nothing", params={}, owner=None, now=NOON)
    assert not Job.objects.exists()


def test_a_job_is_run_once_however_often_it_is_hinted_at(db):
    job = queued()
    assert [run_job(job.pk) for _ in range(3)] == [True, False, False]
    assert units() == ALL


def test_four_workers_at_once_run_it_once(transactional_db):
    job = queued()
    ran = []
    in_threads(4, lambda _n: ran.append(run_job(job.pk)))
    assert sorted(ran) == [False, False, False, True]
    assert units() == ALL


@pytest.mark.parametrize("unit", [0, 4, 8])
def test_killed_in_a_chunk_goes_on_at_the_cursor(db, unit):
    job = queued()
    job_cast.surprises[unit] = killed()
    with pytest.raises(Killed):
        run_job(job.pk)
    assert units() == ALL[:unit]  # The broken chunk left nothing.
    job.refresh_from_db()
    assert (job.state, job.done) == ("running", unit)

    assert run_job(job.pk) is False  # Its heartbeat is fresh.
    job_cast.surprises.clear()
    grow_stale(job)
    assert run_job(job.pk) is True
    assert units() == ALL
    job.refresh_from_db()
    assert (job.state, job.done, job.fence) == ("done", 10, 2)


@pytest.mark.kill
def test_a_killed_process_leaves_whole_chunks(transactional_db):
    job = queued()
    name = connections["default"].settings_dict["NAME"]
    victim = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c"]
        + [f"from {HERE} import be_killed; be_killed({job.pk})"],
        cwd=settings.BASE_DIR,
        env=database.environment_for(name),
        check=False,
    )
    assert victim.returncode == -signal.SIGKILL
    assert units() == ALL[:4]

    grow_stale(job)
    assert resume_jobs() == 1
    assert run_job(job.pk) is True
    assert units() == ALL


def test_a_worker_that_lost_its_lease_cannot_commit_another_chunk(transactional_db):
    """A sleeper wakes up in the middle of a chunk after another has taken over."""
    job = queued()
    asleep, wake = threading.Event(), threading.Event()
    first = threading.current_thread()

    def sleep(_progress):
        if threading.current_thread() is not first:
            asleep.set()
            wake.wait(20)

    job_cast.surprises[4] = sleep

    def sleeper():
        try:
            run_job(job.pk)
        finally:
            connections.close_all()

    thread = threading.Thread(target=sleeper)
    thread.start()
    assert asleep.wait(20)
    grow_stale(job)
    assert run_job(job.pk) is True
    wake.set()
    thread.join()
    assert units() == ALL
    job.refresh_from_db()
    assert (job.state, job.done) == ("done", 10)


def test_an_older_claim_writes_nothing_while_the_newer_one_runs(db):
    job = queued()
    Job.objects.filter(pk=job.pk).update(state="running", fence=2, done=6)
    job.refresh_from_db()
    job.fence = 1
    older = jobs.JobProgress(job)
    for write in (lambda: older.advance(done=9), older.heartbeat):
        with pytest.raises(jobs.LeaseLost):
            write()
    jobs._finish(older, "failed", error="late")
    job.refresh_from_db()
    assert (job.state, job.done, job.error) == ("running", 6, "")


def test_cancel_from_outside_stops_after_the_chunk(transactional_db):
    job = queued()

    def cancel(_progress):
        thread = threading.Thread(target=from_outside)
        thread.start()
        thread.join()

    def from_outside():
        try:
            cancel_job(job_id=job.pk, actor="dana", now=NOON)
        finally:
            connections.close_all()

    job_cast.surprises[4] = cancel
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done) == ("cancelled", 4)
    assert units() == ALL[:4]
    assert AuditEntry.objects.get(action="job.cancel").object_id == job.public_id

    job_cast.surprises.clear()
    retry_job(job_id=job.pk, actor="dana", now=NOON)
    run_job(job.pk)
    job.refresh_from_db()
    assert job.state == "done"
    assert units() == ALL


def test_cancel_while_waiting_is_at_once(db):
    job = queued()
    cancel_job(job_id=job.pk, actor="dana", now=NOON)
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert run_job(job.pk) is False
    assert units() == []


def test_what_has_ended_is_not_cancelled_and_what_is_done_not_retried(db):
    job = queued()
    with pytest.raises(JobNotRetryable):
        retry_job(job_id=job.pk, actor="dana", now=NOON)
    run_job(job.pk)
    with pytest.raises(JobNotCancellable):
        cancel_job(job_id=job.pk, actor="dana", now=NOON)
    with pytest.raises(JobNotRetryable):
        retry_job(job_id=job.pk, actor="dana", now=NOON)
    assert not AuditEntry.objects.filter(action__startswith="job.").exists()


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("fail", "Row 7 has no date."),
        ("refuse", "too_much: That is too much."),
        ("crash", "ValueError: <e-mail>"),
    ],
)
def test_a_failure_is_told_without_personal_data(db, name, error):
    job = queued(name)
    assert run_job(job.pk) is True
    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", error)
    assert job.finished_at is not None


def test_a_job_that_kills_every_worker_is_given_up(db):
    job = queued()
    job_cast.surprises[0] = killed()
    for _try in range(jobs.MOST_ATTEMPTS):
        with pytest.raises(Killed):
            run_job(job.pk)
        grow_stale(job)
    assert run_job(job.pk) is True
    job.refresh_from_db()
    assert job.state == "failed"
    assert job.error.startswith("WorkerDied")
    assert units() == []


def test_progress_between_deaths_does_not_count_against_a_job(db):
    job = queued()
    for unit in (0, 2, 4, 6, 8):
        for _try in range(jobs.MOST_ATTEMPTS - 1):
            job_cast.surprises = {unit: killed()}
            with pytest.raises(Killed):
                run_job(job.pk)
            grow_stale(job)
    job_cast.surprises = {}
    run_job(job.pk)
    job.refresh_from_db()
    assert job.state == "done"
    assert units() == ALL


def test_sweep_hints_at_lost_and_stale_jobs_only(db, monkeypatch):
    hinted = []
    monkeypatch.setattr(jobs, "hint_on_commit", lambda *hint: hinted.append(hint))
    fresh, lost, stale, alive, ended = (queued() for _ in range(5))
    hinted.clear()
    old = Now() - timedelta(seconds=31)
    Job.objects.filter(pk=lost.pk).update(created_at=old)
    Job.objects.filter(pk=stale.pk).update(state="running", heartbeat_at=old)
    Job.objects.filter(pk=alive.pk).update(state="running", heartbeat_at=Now())
    Job.objects.filter(pk=ended.pk).update(state="done", finished_at=old)
    assert resume_jobs() == 2
    assert hinted == [(jobs.RUN_TASK, lost.pk), (jobs.RUN_TASK, stale.pk)]


def test_enqueue_hints_after_commit_only(
    db, monkeypatch, django_capture_on_commit_callbacks
):
    wanted = []
    monkeypatch.setattr(hints._publisher, "want", wanted.append)
    with django_capture_on_commit_callbacks(execute=True):
        job = queued()
        assert wanted == []
    assert wanted == [(jobs.RUN_TASK, (job.pk,))]


def test_rate_and_time_left():
    at = timezone.now()
    job = Job(
        state="running",
        done=350,
        total=950,
        resumed_done=50,
        resumed_at=at,
        heartbeat_at=at + timedelta(seconds=60),
    )
    assert job.per_second == 5.0  # 300 in 60 s; the 50 before the restart don't count.
    assert job.time_left == timedelta(seconds=120)
    assert job.percent == 36
    job.total = None
    assert (job.time_left, job.percent) == (None, None)
    job.resumed_at = None
    assert job.per_second is None


def test_job_view_shows_the_last_lines_in_order(db):
    job = queued()
    run_job(job.pk)
    for number in range(3):
        job.lines.create(text=f"line {number}")
    job.refresh_from_db()
    view = job_view(job, lines=2)
    assert [line["text"] for line in view["lines"]] == ["line 1", "line 2"]
    assert (view["id"], view["state"], view["percent"]) == (job.public_id, "done", 100)
    assert (view["poll"], view["can_cancel"], view["can_retry"]) == (
        False,
        False,
        False,
    )
