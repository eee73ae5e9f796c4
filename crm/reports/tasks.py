"""Doors for the workers: keeping the sums fresh."""

from celery import shared_task

from crm.reports.services import rollups
from crm.shared.clock import now


@shared_task
def refresh_rollups() -> None:
    """Compute the last days anew."""
    rollups.refresh_recent(now=now())
