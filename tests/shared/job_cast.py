"""Job functions for the tests. An audit entry per unit stands for the work."""

import os
import signal

from django.db import transaction

from crm import wiring
from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.jobs import JobFailed, run_job
from crm.shared.models import AuditEntry

HERE = "tests.shared.job_cast"
UNITS = 10
#: What happens in the middle of the chunk that starts at a unit.
surprises = {}


class TooMuch(Refusal):
    """That is too much."""

    code = "too_much"


def count_to_ten(progress):
    """Two units a chunk; the surprise of a chunk comes between its two."""
    start = progress.cursor.get("next", 0)
    for unit in range(start, UNITS, 2):
        with transaction.atomic():
            _do(progress, unit)
            surprises.get(unit, lambda _progress: None)(progress)
            _do(progress, unit + 1)
            progress.advance(
                done=unit + 2, total=UNITS, cursor={"next": unit + 2}, message="on"
            )
    progress.log("counted")
    return {"counted": UNITS}


def _do(progress, unit):
    record_audit(
        actor=None, action="test.unit", object_id=str(unit), now=progress.asked_at
    )


def units():
    return list(
        AuditEntry.objects.filter(action="test.unit")
        .order_by("id")
        .values_list("object_id", flat=True)
    )


def fail(progress):
    raise JobFailed("Row 7 has no date.")


def refuse(progress):
    raise TooMuch


def crash(progress):
    raise ValueError("alice@example.com")


def die(_progress):
    os.kill(os.getpid(), signal.SIGKILL)


def be_killed(job: int):
    """Run a job in this process, which dies in the middle of the third chunk."""
    surprises[4] = die
    wiring.JOBS["tests.count_to_ten"] = f"{HERE}.count_to_ten"
    run_job(job)
