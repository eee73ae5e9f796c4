"""Background doors of loyalty."""

from celery import shared_task

from crm.shared import clock
from loyalty.services.expiring import expire_lots
from loyalty.services.renewing import renew_due


@shared_task
def expire_points() -> int:
    """Book every lot that has ended, a thousand per transaction; return how many."""
    now = clock.now()
    booked = 0
    while some := expire_lots(now=now):
        booked += some
    return booked


@shared_task
def renew_plans() -> int:
    """Renew, ask again for or end every plan that is due; return how many."""
    now = clock.now()
    looked = 0
    while some := renew_due(now=now):
        looked += some
    return looked
