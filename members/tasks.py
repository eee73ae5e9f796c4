"""Background doors of the members app."""

from celery import shared_task

from crm.shared import clock
from members.services.erasing import start_due_erasures
from members.services.exporting import expire_exports
from members.services.retaining import apply_retention as apply_rules


@shared_task
def start_erasures() -> int:
    """Begin the erasures whose time has come."""
    return start_due_erasures(now=clock.now())


@shared_task
def expire_data_exports() -> int:
    """Delete copies that nobody fetched within their 24 hours."""
    return expire_exports(now=clock.now())


@shared_task
def apply_retention() -> None:
    """End what was kept long enough."""
    apply_rules(now=clock.now())
