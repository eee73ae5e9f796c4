"""Background doors of loyalty."""

from celery import shared_task

from crm.shared import clock
from loyalty.services.expiring import expire_lots
from loyalty.services.referring import sweep_referrals


@shared_task
def expire_points() -> int:
    """Book every lot that has ended, a thousand per transaction; return how many."""
    now = clock.now()
    booked = 0
    while some := expire_lots(now=now):
        booked += some
    return booked


@shared_task
def reward_kept_referrals() -> None:
    """Look at every friend whose order can no longer be sent back."""
    now = clock.now()
    after = 0
    while after := sweep_referrals(now=now, after_id=after):
        pass
