"""Background doors of loyalty."""

from celery import shared_task

from crm.shared import clock
from loyalty.services.activating import date_lots, pay_debts
from loyalty.services.birthdays import grant_birthdays
from loyalty.services.expiring import expire_lots


@shared_task
def reward_birthdays() -> int:
    """Grant the points of today's birthdays, once a year; return how many."""
    return grant_birthdays(now=clock.now())


@shared_task
def activate_points() -> int:
    """Date pending points that arrived, and let active ones pay debt (P9, P18)."""
    now = clock.now()
    done = 0
    for step in (date_lots, pay_debts):
        while some := step(now=now):
            done += some
    return done


@shared_task
def expire_points() -> int:
    """Book every lot that has ended, a thousand per transaction; return how many."""
    now = clock.now()
    booked = 0
    while some := expire_lots(now=now):
        booked += some
    return booked
