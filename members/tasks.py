"""Doors for the workers: codes to send, sign-ins to forget."""

from celery import shared_task

from crm.shared.clock import now
from members.services.requesting_codes import forget_old_codes
from members.services.sending_codes import send_due_codes
from members.sessions import SessionStore


@shared_task
def send_sign_in_codes() -> None:
    """Send queued codes; many of these may run at once."""
    send_due_codes(now=now())


@shared_task
def forget_sign_ins() -> None:
    """Delete old codes with their addresses, and sessions that are over."""
    forget_old_codes(now=now())
    SessionStore.clear_expired()
