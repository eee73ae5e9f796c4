"""What the loyalty app moves when two members become one."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from loyalty.models import CheckIn, PointsAccount, Referral, Subscription
from loyalty.services.capping import join_tallies
from loyalty.services.checking_in import count_streaks
from loyalty.services.counting_friends import count_friends
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
from members.services.movers import Key, MergeCase, Merger, Moved, Share
from orders.merging import ORDERS, OrdersMerger

_PLANS = Key(Subscription, "member")
_CHECK_INS = Key(CheckIn, "member")
_REFERRALS = Key(Referral, "inviter")


class BothHavePlans(Refusal):
    """Both members have a paid plan: one must end first."""

    code = "both_have_plans"
    message = _("Both members have a paid plan: one must end first.")


class LoyaltyMerger(Merger):
    """Points with their ends, holds and debt; qualifying value by date; tier; plans."""

    name = "loyalty"
    keys = (_PLANS,)
    also_covers = frozenset(
        {
            "loyalty.PointsAccount.member",
            "loyalty.QualifyingEntry.member",
            "loyalty.TierChange.member",
            "loyalty.TierStanding.member",
            "loyalty.MemberValue.member",
            "loyalty.EarningTally.member",
            _CHECK_INS.label,
            "loyalty.Referral.inviter",
            # History of the number, like the invitation it came by.
            "loyalty.Referral.friend",
            # Counted afresh.
            "loyalty.ReferralTally.inviter",
            "loyalty.MemberScore.member",
            "loyalty.PastScore.member",
        }
    )

    def lock(self, case: MergeCase) -> None:
        """Lock both accounts."""
        locked_pair(member_ids=case.member_ids, now=case.now)

    def shares(self, member_id: int) -> list[Share]:
        """Return points, what they are reserved for, debt, and plans."""
        account = PointsAccount.objects.filter(pk=member_id).first()
        account = account or PointsAccount(pk=member_id)
        return [
            Share(_("points"), account.balance),
            Share(_("points reserved"), account.held),
            Share(_("points owed"), account.debt),
            Share(_("referrals"), _REFERRALS.rows(member_id).count()),
            *super().shares(member_id),
        ]

    def move(self, case: MergeCase) -> dict[str, Any]:
        """Move points, value and plans, then look at the tier.

        Check-ins of days on which the winner was there as well stay; what counts
        against caps is added up.

        Raises:
            BothHavePlans: there can be one plan only.
        """
        if Subscription.objects.open().filter(member__in=case.member_ids).count() > 1:
            raise BothHavePlans
        plans = super().move(case)
        who = {"loser_id": case.loser_id, "winner_id": case.winner_id}
        join_tallies(**who)
        own = _CHECK_INS.rows(case.winner_id).values("day")
        moving = _CHECK_INS.rows(case.loser_id).exclude(day__in=own)
        check_ins = sorted(moving.values_list("pk", flat=True))
        CheckIn.objects.filter(pk__in=check_ins).update(member_id=case.winner_id)
        count_streaks(member_ids=case.member_ids)
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
        referrals = _move_referrals(case)
        return {
            "points": points,
            "newest": newest,
            "tier": tier,
            _REFERRALS.label: referrals,
            _CHECK_INS.label: check_ins,
            **plans,
        }

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
        super().give_back(case, moved)
        self.return_rows(_CHECK_INS, case, mine.get(_CHECK_INS.label, []))
        count_streaks(member_ids=case.member_ids)
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
        self.return_rows(_REFERRALS, case, mine.get(_REFERRALS.label, []))
        count_friends(inviter_ids=case.member_ids)


def _move_referrals(case: MergeCase) -> list[int]:
    """Let the winner have brought whom the loser did, but not themselves."""
    rows = _REFERRALS.rows(case.loser_id).exclude(friend_id=case.winner_id)
    ids = sorted(rows.values_list("pk", flat=True))
    Referral.objects.filter(pk__in=ids).update(inviter_id=case.winner_id)
    count_friends(inviter_ids=case.member_ids)
    return ids
