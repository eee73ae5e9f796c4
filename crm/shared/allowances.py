"""So many times in so long, and no more: counted in the database.

A count is one conditional write, so that rivals cannot pass the limit together, and
it stands in PostgreSQL, so that a lost cache does not open a door. Whom it is about
is kept as a keyed fingerprint: the table names neither numbers nor addresses.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.blind_index import fingerprint
from crm.shared.errors import Refusal
from crm.shared.models import Allowance

_PLACE = "shared_allowance.mark"


class TooOften(Refusal):
    """This was tried too often."""

    code = "too_often"
    status = 429
    message = _("This was tried too often. Try again in %(seconds)s seconds.")

    @property
    def headers(self) -> dict[str, str]:
        """What the answer says beside its body."""
        return {"Retry-After": str(self.params["seconds"])}


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``most`` times in ``period``, from the first of them on."""

    name: str
    most: int
    period: timedelta


Spending = Iterable[tuple[Rate, str]]

#: Counts one more, unless the limit is reached and its time is not over.
_SPEND = """
INSERT INTO shared_allowance AS kept (mark, used, ends_at)
VALUES (%(mark)s, 1, %(ends)s)
ON CONFLICT (mark) DO UPDATE SET
  used = CASE WHEN kept.ends_at <= %(now)s THEN 1 ELSE kept.used + 1 END,
  ends_at = CASE WHEN kept.ends_at <= %(now)s THEN %(ends)s ELSE kept.ends_at END
WHERE kept.ends_at <= %(now)s OR kept.used < %(most)s
RETURNING used
"""
_GIVE_BACK = """
UPDATE shared_allowance SET used = used - 1
 WHERE mark = %(mark)s AND used > 0 AND ends_at > %(now)s
"""


def spend(wanted: Spending, *, now: datetime) -> None:
    """Use up one of each allowance, or none at all.

    Not to be called inside a transaction that may be undone: the count would be, too.

    Args:
        wanted: rates, each with whom it is about; always in the same order.
        now: aware.

    Raises:
        TooOften: one of them is used up; the parameter ``seconds`` says for how long.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        for rate, whose in wanted:
            mark = _mark(rate, whose)
            values = {"mark": mark, "now": now, "most": rate.most}
            cursor.execute(_SPEND, {**values, "ends": now + rate.period})
            if cursor.fetchone() is None:
                raise TooOften(seconds=_seconds_left(mark, now))


def give_back(wanted: Spending, *, now: datetime) -> None:
    """Take back what ``spend`` counted: it turned out to be none of their business."""
    with connection.cursor() as cursor:
        for rate, whose in wanted:
            cursor.execute(_GIVE_BACK, {"mark": _mark(rate, whose), "now": now})


def forget_old_allowances(*, now: datetime) -> int:
    """Delete counts whose time is over; return how many."""
    return Allowance.objects.filter(ends_at__lte=now).delete()[0]


def _mark(rate: Rate, whose: str) -> bytes:
    return fingerprint(f"{rate.name}\0{whose}", _PLACE)


def _seconds_left(mark: bytes, now: datetime) -> int:
    ends = Allowance.objects.filter(mark=mark).values_list("ends_at", flat=True).first()
    return max(1, ceil((ends - now).total_seconds())) if ends else 1
