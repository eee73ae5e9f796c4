"""Notice that a profile is complete."""

from datetime import datetime

from django.db import transaction

from crm.shared.outbox import record
from members.events import ProfileCompleted
from members.models import Member, ProfileCompletion
from members.queries import profile_completeness
from members.rules.completeness import COMPLETE


@transaction.atomic
def review_completeness(*, member: Member, now: datetime) -> bool:
    """Publish ProfileCompleted when a profile is complete for the first time ever.

    Clearing a field and filling it again changes nothing: the row stays.

    Args:
        member: its row, locked by the caller's transaction.

    Returns:
        Whether the fact was published.
    """
    if profile_completeness(member) < COMPLETE:
        return False
    _row, is_first = ProfileCompletion.objects.get_or_create(
        member=member, defaults={"completed_at": now}
    )
    if is_first:
        record(ProfileCompleted(member_id=member.pk))
    return is_first
