"""Points on a birthday, once a year."""

from datetime import datetime

from django.db.models import Q

from loyalty.models import EarningRule, PointsAccount, PointsEntry
from loyalty.queries.birthdays import born_on, days_to_celebrate
from loyalty.rules.birthdays import LEAST_APART
from loyalty.services.event_points import Happening, grant_for_events

_BIRTHDAY = EarningRule.Occasion.BIRTHDAY
#: Members granted to in one transaction.
_CHUNK = 500


def grant_birthdays(*, now: datetime) -> int:
    """Grant what the rules give for birthdays of today and the days before.

    Once a year for each, however often it runs and wherever the birthday is moved; for
    a day that is past it grants what was due then.

    Returns:
        How many entries were written.
    """
    if not EarningRule.objects.filter(occasion=_BIRTHDAY, is_active=True).exists():
        return 0
    written = 0
    days = days_to_celebrate(now)
    for day, members in born_on(days).items():
        source = f"birthday:{day.year}"
        had = _had(members, source=source, since=days[day] - LEAST_APART)
        due = sorted(set(members) - had)
        for start in range(0, len(due), _CHUNK):
            happenings = [Happening(pk, source) for pk in due[start : start + _CHUNK]]
            written += len(
                grant_for_events(occasion=_BIRTHDAY, happenings=happenings, now=now)
            )
    return written


def _had(members: list[int], *, source: str, since: datetime) -> set[int]:
    """Return who has points of this birthday, or of one since, also before a merge."""
    accounts = PointsAccount.objects.only("merged_with").filter(pk__in=members)
    owner = {old: account.pk for account in accounts for old in account.accounts}
    birthdays = PointsEntry.objects.filter(
        Q(source=source) | Q(source__startswith="birthday:", occurred_at__gt=since),
        account_id__in=owner,
        kind=PointsEntry.Kind.GRANT,
    )
    return {owner[pk] for pk in birthdays.values_list("account_id", flat=True)}
