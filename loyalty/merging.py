"""What the loyalty app moves when two members become one."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from loyalty.models import PointsAccount
from loyalty.services.merging_points import (
    join_points,
    locked_pair,
    part_points,
    points_left,
    refuse_reserved,
)
from loyalty.services.merging_tiers import (
    join_tiers,
    join_value,
    part_tiers,
    part_value,
)
from loyalty.services.scoring import forget_score
from loyalty.services.valuing import count_value
from members.services.movers import MergeCase, Merger, Moved, Share
from orders.merging import ORDERS, OrdersMerger


class LoyaltyMerger(Merger):
    """Points with their ends, holds and debt; qualifying value by date; the tier."""

    name = "loyalty"
    also_covers = frozenset(
        {
            "loyalty.PointsAccount.member",
            "loyalty.QualifyingEntry.member",
            "loyalty.TierChange.member",
            "loyalty.MemberValue.member",
            "loyalty.MemberScore.member",
            "loyalty.PastScore.member",
        }
    )

    def lock(self, case: MergeCase) -> None:
        """Lock both accounts."""
        locked_pair(member_ids=case.member_ids, now=case.now)

    def shares(self, member_id: int) -> list[Share]:
        """Return points, what they are reserved for, and debt."""
        account = PointsAccount.objects.filter(pk=member_id).first()
        account = account or PointsAccount(pk=member_id)
        return [
            Share(_("points"), account.balance),
            Share(_("points reserved"), account.held),
            Share(_("points owed"), account.debt),
        ]

    def move(self, case: MergeCase) -> dict[str, Any]:
        """Move points and value, then look at the tier."""
        who = {"loser_id": case.loser_id, "winner_id": case.winner_id}
        points = join_points(**who, source=case.source, now=case.now)
        newest = join_value(**who, source=case.source)
        pair = locked_pair(member_ids=case.member_ids, now=case.now)
        tier = join_tiers(
            loser=pair[case.loser_id],
            winner=pair[case.winner_id],
            source=case.source,
            now=case.now,
        )
        count_value(member_ids=case.member_ids)
        # The winner's is made anew at night; scores of past months stay as they were.
        forget_score(member_id=case.loser_id)
        return {"points": points, "newest": newest, "tier": tier}

    def staying(self, case: MergeCase, moved: Moved) -> list[Share]:
        """Points spent or ended since stay gone.

        Raises:
            PointsReserved: an order that stays reserves some of them.
        """
        brought = moved[self.name]["points"]
        refuse_reserved(
            winner_id=case.winner_id,
            brought=brought,
            orders=moved[OrdersMerger.name][ORDERS.label],
        )
        left = points_left(winner_id=case.winner_id, brought=brought)
        gone = brought["points"] - left
        return [Share(_("points spent or ended since"), gone)] if gone > 0 else []

    def give_back(self, case: MergeCase, moved: Moved) -> None:
        """Give back what is left; the winner's tier is that from before."""
        mine = moved[self.name]
        who = {"loser_id": case.loser_id, "winner_id": case.winner_id}
        orders = moved[OrdersMerger.name][ORDERS.label]
        part_points(
            **who,
            brought=mine["points"],
            orders=orders,
            source=case.source,
            now=case.now,
        )
        part_value(**who, orders=orders, newest=mine["newest"], source=case.source)
        pair = locked_pair(member_ids=case.member_ids, now=case.now)
        part_tiers(
            winner=pair[case.winner_id],
            tier=mine["tier"],
            source=case.source,
            now=case.now,
        )
        count_value(member_ids=case.member_ids)
