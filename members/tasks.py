"""Background work of members. Safe to run twice, at once and out of order."""

from celery import shared_task
from django.conf import settings

from crm.shared import clock
from members.services import tagging, waking


@shared_task
def drop_expired_tags() -> int:
    """Take off tags whose end has come; run daily (they stop counting at once)."""
    return tagging.drop_expired_tags(now=clock.now())


@shared_task
def mark_dormant() -> int:
    """Let members sleep who are long gone, a thousand per transaction; run daily."""
    now, total = clock.now(), 0
    while some := waking.mark_dormant(now=now, after_days=settings.DORMANT_AFTER_DAYS):
        total += some
    return total
