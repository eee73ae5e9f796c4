"""Background work of members. Safe to run twice, at once and out of order."""

from celery import shared_task
from django.conf import settings

from crm.shared import clock
from members.services import tagging, waking
from members.services.erasing import start_due_erasures
from members.services.exporting import expire_exports
from members.services.finding_duplicates import plan_search
from members.services.requesting_codes import forget_old_codes
from members.services.retaining import apply_retention as apply_rules
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


@shared_task
def find_duplicates() -> bool:
    """Once a night, let a job look at members who are new or changed."""
    return plan_search(everybody=False, owner=None, now=clock.now()) is not None
