"""Long work of the console, run by ``crm.shared.jobs``."""

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from crm.console.services.bulk import do_for_members
from crm.console.services.time_machine import travel
from crm.shared.clock import now
from crm.shared.jobs import JobProgress
from members.models import User

#: Refusals told one by one; the rest is counted.
_MOST_LINES = 100


def advance_clock(progress: JobProgress) -> None:
    """Move the shop's clock; the job's kind is ``console.advance_clock``.

    Params: ``days``. Taken up again after a kill it does the days that are left; the
    day it was killed in may be lived through twice.
    """
    days, before = progress.params["days"], progress.done

    def note(done: int) -> None:
        progress.advance(done=before + done, total=days)

    progress.advance(total=days)
    if days > before:
        events = travel(by=timedelta(days=days - before), now=now(), on_day=note)
        progress.log(str(events))
        progress.advance(message=_("The shop has arrived."))


def run_bulk_deed(progress: JobProgress) -> dict[str, Any]:
    """Do one deed for many members; the job's kind is ``console.bulk_deed``.

    Params: ``deed``, ``values`` and ``members`` as ``do_for_members`` takes them. Taken
    up again it starts over: what was done for a member is not done twice.

    Returns:
        Members done, and refused by code.
    """
    members = progress.params["members"]

    def note(seen: int) -> None:
        progress.advance(done=seen, total=len(members))

    outcome = do_for_members(
        deed=progress.params["deed"],
        values=progress.params["values"],
        member_ids=members,
        actor=User.objects.get(pk=progress.owner_id),
        key=progress.params["values"]["request_key"],
        now=progress.asked_at,
        on_chunk=note,
    )
    for line in outcome.lines[:_MOST_LINES]:
        progress.log(line)
    return {"done": outcome.done, **outcome.refused}
