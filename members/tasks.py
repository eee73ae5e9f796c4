"""Background work of members. Safe to run twice, at once and out of order."""

from celery import shared_task
from django.conf import settings

from crm.shared import clock
from members.services import tagging, waking
from members.services.requesting_codes import forget_old_codes
from members.services.sending_codes import send_due_codes
from members.sessions import SessionStore


@shared_task
def drop_expired_tags() -> int:
    """Take off tags whose end has come; run daily (they stop counting at once)."""
    return tagging.drop_expired_tags(now=clock.now())


@shared_task
def mark_dormant() -> int:
    """Let members sleep who are long gone, a thousand per transaction; run daily."""
    now, total = clock.now(), 0
    while some := waking.mark_dormant(now=now, after_days=settings.DORMANT_AFTER_DAYS):
        total += some
    return total


@shared_task
def send_sign_in_codes() -> None:
    """Send queued codes; many of these may run at once."""
    send_due_codes(now=clock.now())


@shared_task
def forget_sign_ins() -> None:
    """Delete old codes with their addresses, and sessions that are over."""
    forget_old_codes(now=clock.now())
    SessionStore.clear_expired()
