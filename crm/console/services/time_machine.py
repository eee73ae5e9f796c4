"""Moving a demo or test shop through time, a day at a time."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils.module_loading import import_string

from crm import wiring
from crm.console.queries.time_machine import Events, events_between
from crm.shared import clock, outbox

_DAY = timedelta(days=1)


def travel(
    *, by: timedelta, now: datetime, on_day: Callable[[int], None] = lambda done: None
) -> Events:
    """Move the clock forward and do at the end of each day what is due then.

    Args:
        by: how far; the last step may be shorter than a day.
        on_day: called with the number of steps done after each of them.

    Raises:
        ClockCannotMove, ClockOnlyForward, ClockTooFar: as ``clock.advance``.
    """
    since, left, done = now, by, 0
    while done == 0 or left > timedelta(0):
        now = clock.advance(min(left, _DAY))
        for path in wiring.DAILY_WORK:
            import_string(path)()
        outbox.drain(now=now)
        left -= _DAY
        done += 1
        on_day(done)
    return events_between(since, now)
