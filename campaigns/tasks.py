"""Background doors of the campaigns app."""

from celery import shared_task

from campaigns.services import expiring, segmenting
from campaigns.services.rewarding import reward_due_leaders
from campaigns.services.sending import send_due_messages
from campaigns.services.settling_groups import settle_due_groups
from crm.shared import clock


@shared_task
def send_messages() -> int:
    """Send what is due; run every few seconds."""
    return send_due_messages(now=clock.now())


@shared_task
def settle_groups() -> int:
    """Decide about groups whose deadline has come; run every minute."""
    return settle_due_groups(now=clock.now())


@shared_task
def reward_leaders() -> None:
    """Reward leaders whose group can send nothing back any more; run every hour."""
    now = clock.now()
    after = 0
    while after := reward_due_leaders(now=now, after_id=after):
        pass


@shared_task
def expire_coupons() -> int:
    """Mark coupons whose time is over; run every ten minutes."""
    return expiring.expire_coupons(now=clock.now())


@shared_task
def refresh_segments() -> int:
    """Look again who is in which segment; run every hour."""
    return segmenting.refresh_segments(now=clock.now())
