"""See what a merge would leave, by doing it and taking it back."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from loyalty.models import PointsAccount, Tier
from loyalty.queries.points import PointsSummary, points_summary
from members.services.merging import merge_members


@dataclass(frozen=True, slots=True)
class Outcome:
    """The winner's points and tier after a merge."""

    points: PointsSummary
    tier: Tier | None


def try_merge(
    *, loser_id: int, winner_id: int, take: Collection[str] = (), now: datetime
) -> Outcome:
    """Merge as it would be done, look, and leave nothing of it.

    Raises:
        Refusal: the merge itself would be refused.
    """
    with transaction.atomic():
        merge_members(
            loser_id=loser_id,
            winner_id=winner_id,
            take=take,
            reason="preview",
            actor="console",
            now=now,
        )
        account = PointsAccount.objects.select_related("tier").get(pk=winner_id)
        outcome = Outcome(points_summary(winner_id, now), account.tier)
        transaction.set_rollback(True)
    return outcome
