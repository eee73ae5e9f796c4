"""Background doors of loyalty."""

from celery import shared_task

from crm.shared import clock
from loyalty.services.expiring import expire_lots
from loyalty.services.giving_benefits import give_birthday_gifts, give_drips


@shared_task
def expire_points() -> int:
    """Book every lot that has ended, a thousand per transaction; return how many."""
    now = clock.now()
    booked = 0
    while some := expire_lots(now=now):
        booked += some
    return booked


@shared_task
def give_benefits() -> int:
    """Give birthday gifts and what comes every period; return how many."""
    now = clock.now()
    return give_birthday_gifts(now=now) + give_drips(now=now)
