"""Keep nothing longer than its rule says."""

import logging
from datetime import datetime

from crm.shared.personal_data import personal_data
from crm.shared.retention import Rule
from members.models import RetentionRun

log = logging.getLogger(__name__)


def retention_rules() -> list[Rule]:
    """Return the rules of every app, in the order of ``crm.wiring.PERSONAL_DATA``."""
    return [rule for source in personal_data() for rule in source.retention]


def apply_retention(*, now: datetime, dry_run: bool = False) -> RetentionRun:
    """End what was kept long enough, rule by rule, and write down how much.

    A rule that fails is logged and counted as -1; the others still run. Safe to stop
    and to repeat.

    Args:
        now: the moment from which days are counted back, aware.
        dry_run: count only; change nothing.
    """
    counts = {}
    for rule in retention_rules():
        try:
            counts[rule.code] = (
                rule.overdue(now=now).count() if dry_run else rule.apply(now=now)
            )
        except Exception:  # one rule must not keep the others from their day
            log.exception("Retention rule %s failed.", rule.code)
            counts[rule.code] = -1
    return RetentionRun.objects.create(at=now, is_dry_run=dry_run, counts=counts)
