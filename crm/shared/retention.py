"""How long what is kept: the rules that the apps write down.

Each app lists its rules in ``<app>/personal_data.py``; ``apply_retention`` of the
members app runs all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models, transaction

#: Rows of one rule in one transaction.
CHUNK = 500


def delete_rows(rows: models.QuerySet, *, limit: int = CHUNK) -> int:
    """Delete at most ``limit`` of ``rows`` and return how many."""
    keys = list(rows.values_list("pk", flat=True)[:limit])
    rows.model._base_manager.filter(pk__in=keys).delete()
    return len(keys)


@dataclass(frozen=True, slots=True)
class Rule:
    """One class of data, how long it is kept, and what happens then.

    Args:
        code: dotted, such as ``orders.carts``.
        label: what it is, translatable.
        keep_days: days it is kept; ``settings.RETENTION_DAYS`` may say otherwise.
        due: function from the last moment still kept to the rows that are older.
            What was dealt with must not be due again.
        fate: what happens to them, translatable.
        end: function that does it to some of them and returns how many.
    """

    code: str
    label: Any
    keep_days: int
    due: Callable[[datetime], models.QuerySet]
    fate: Any
    end: Callable[[models.QuerySet], int] = delete_rows

    @property
    def days(self) -> int:
        """Days it is kept in this shop."""
        return settings.RETENTION_DAYS.get(self.code, self.keep_days)

    def overdue(self, *, now: datetime) -> models.QuerySet:
        """Return the rows that were kept long enough."""
        return self.due(now - timedelta(days=self.days))

    def apply(self, *, now: datetime) -> int:
        """End what is overdue, some rows per transaction; return how many."""
        ended = 0
        while True:
            with transaction.atomic():
                some = self.end(self.overdue(now=now).order_by("pk"))
            if not some:
                return ended
            ended += some
