"""Background work of members. Safe to run twice, at once and out of order."""

from celery import shared_task

from crm.shared import clock
from members.services.finding_duplicates import plan_search


@shared_task
def find_duplicates() -> bool:
    """Once a night, let a job look at members who are new or changed."""
    return plan_search(everybody=False, owner=None, now=clock.now()) is not None
