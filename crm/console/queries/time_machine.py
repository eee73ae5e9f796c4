"""What a shop lived through in a period: what moving the clock brought about."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q, Sum
from django.utils.translation import gettext as _

from campaigns.models import Message
from loyalty.models import PointsEntry, TierChange


@dataclass(frozen=True, slots=True)
class Events:
    """Counts of a period; points as a positive number."""

    points_expired: int
    members_raised: int
    members_lowered: int
    messages_sent: int

    def __str__(self):
        return _(
            "%(expired)s points expired, %(raised)s members rose, "
            "%(lowered)s members fell, %(sent)s messages were sent."
        ) % {
            "expired": f"{self.points_expired:,d}",
            "raised": f"{self.members_raised:,d}",
            "lowered": f"{self.members_lowered:,d}",
            "sent": f"{self.messages_sent:,d}",
        }


def events_between(since: datetime, until: datetime) -> Events:
    """Return what happened in ``(since, until]``."""
    period = Q(occurred_at__gt=since, occurred_at__lte=until)
    expired = PointsEntry.objects.filter(period, kind=PointsEntry.Kind.EXPIRE)
    moves = TierChange.objects.filter(period)
    before = F("from_tier__threshold_minor")
    raised = moves.filter(Q(from_tier=None) | Q(to_tier__threshold_minor__gt=before))
    lowered = moves.filter(Q(to_tier=None) | Q(to_tier__threshold_minor__lt=before))
    sent = Message.objects.filter(sent_at__gt=since, sent_at__lte=until)
    return Events(
        points_expired=-(expired.aggregate(sum=Sum("points"))["sum"] or 0),
        members_raised=raised.count(),
        members_lowered=lowered.count(),
        messages_sent=sent.count(),
    )
