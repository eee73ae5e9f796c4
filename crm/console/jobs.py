"""Long work of the console, run by ``crm.shared.jobs``."""

from datetime import timedelta

from django.utils.translation import gettext as _

from crm.console.services.time_machine import travel
from crm.shared.clock import now
from crm.shared.jobs import JobProgress


def advance_clock(progress: JobProgress) -> None:
    """Move the shop's clock; the job's kind is ``console.advance_clock``.

    Params: ``days``. Taken up again after a kill it does the days that are left.
    """
    days, before = progress.params["days"], progress.done

    def note(done: int) -> None:
        progress.advance(done=before + done, total=days)

    progress.advance(total=days)
    if days > before:
        events = travel(by=timedelta(days=days - before), now=now(), on_day=note)
        progress.log(str(events))
        progress.advance(message=_("The shop has arrived."))
