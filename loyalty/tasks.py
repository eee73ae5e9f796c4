"""Background doors of loyalty."""

from celery import shared_task

from crm.shared import clock
from loyalty.services.expiring import expire_lots
from loyalty.services.freezing import end_freezes


@shared_task
def expire_points() -> int:
    """Book every lot that has ended, a thousand per transaction; return how many."""
    now = clock.now()
    booked = 0
    while some := expire_lots(now=now):
        booked += some
    return booked


@shared_task
def unfreeze_points() -> int:
    """Give back points that were frozen until now; return how many freezes ended."""
    now = clock.now()
    ended = 0
    while some := end_freezes(now=now):
        ended += some
    return ended
