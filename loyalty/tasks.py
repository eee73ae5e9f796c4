"""Background doors of loyalty."""

from datetime import timedelta

from celery import shared_task
from django.utils.timezone import localdate

from crm.shared import clock
from loyalty.services.expiring import expire_lots
from loyalty.services.scoring import score_buyers


@shared_task
def expire_points() -> int:
    """Book every lot that has ended, a thousand per transaction; return how many."""
    now = clock.now()
    booked = 0
    while some := expire_lots(now=now):
        booked += some
    return booked


@shared_task
def score_members() -> int:
    """Score every buyer as of yesterday, the last whole day; return how many."""
    now = clock.now()
    return score_buyers(day=localdate(now) - timedelta(days=1), now=now).buyers
