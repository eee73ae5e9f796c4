"""Points for what is no purchase."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext

from loyalty.models import PointsEntry
from loyalty.queries import program
from loyalty.services.adjusting import grant_points
from members.models import Member


@transaction.atomic
def reward_profile(*, member_id: int, now: datetime) -> PointsEntry | None:
    """Grant the program's points for a complete profile, once per member.

    Returns:
        The entry, the same one on every call; None when the program gives nothing or
        the membership may not earn.
    """
    points = program().profile_points
    member = Member.objects.may_earn().only("public_id").filter(pk=member_id).first()
    if not points or member is None:
        return None
    return grant_points(
        member_id=member.pk,
        points=points,
        reason=gettext("Profile completed"),
        actor="loyalty.rewarding",
        source=f"profile:{member.public_id}",
        now=now,
    )
