"""Background doors of the campaigns app."""

from celery import shared_task

from campaigns.services.sending import send_due_messages
from crm.shared import clock


@shared_task
def send_messages() -> int:
    """Send what is due; run every few seconds."""
    return send_due_messages(now=clock.now())
