"""Points on a birthday, once a year."""

from datetime import datetime

from loyalty.models import EarningRule, PointsEntry
from loyalty.queries.birthdays import born_on, days_to_celebrate
from loyalty.services.event_points import Happening, grant_for_events

_BIRTHDAY = EarningRule.Occasion.BIRTHDAY
#: Members granted to in one transaction.
_CHUNK = 500


def grant_birthdays(*, now: datetime) -> int:
    """Grant what the rules give for birthdays of today and the days before.

    Once a year for each, however often it runs; for a day that is past it grants what
    was due then.

    Returns:
        How many entries were written.
    """
    if not EarningRule.objects.filter(occasion=_BIRTHDAY, is_active=True).exists():
        return 0
    written = 0
    for day, members in born_on(days_to_celebrate(now)).items():
        source = f"birthday:{day.year}"
        had = PointsEntry.objects.filter(
            account_id__in=members, kind=PointsEntry.Kind.GRANT, source=source
        )
        due = sorted(set(members) - set(had.values_list("account_id", flat=True)))
        for start in range(0, len(due), _CHUNK):
            happenings = [Happening(pk, source) for pk in due[start : start + _CHUNK]]
            written += len(
                grant_for_events(occasion=_BIRTHDAY, happenings=happenings, now=now)
            )
    return written
