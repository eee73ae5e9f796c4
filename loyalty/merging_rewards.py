"""What of rewards and benefits moves when two members become one."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from loyalty.models import (
    BenefitSanction,
    BenefitTally,
    BenefitUse,
    RewardRedemption,
)
from loyalty.services.counting_uses import count_uses_anew
from members.services.movers import Key, MergeCase, Merger, Moved, Share

_TALLIES = Key(BenefitTally, "member")


class RewardsMerger(Merger):
    """Redemptions, uses and sanctions go over; what was used is counted anew.

    So who was two persons to us has no quota twice, and gets none back by an undoing.
    """

    name = "rewards"
    keys = (
        Key(RewardRedemption, "member"),
        Key(BenefitUse, "member"),
        Key(BenefitSanction, "member"),
    )
    also_covers = frozenset({_TALLIES.label})

    def shares(self, member_id: int) -> list[Share]:
        """Return rewards taken and benefits used."""
        return [
            Share(_("rewards taken"), self.keys[0].rows(member_id).count()),
            Share(_("benefits used"), self.keys[1].rows(member_id).count()),
        ]

    def move(self, case: MergeCase) -> dict[str, Any]:
        """Move all, then count."""
        moved = super().move(case)
        count_uses_anew(member_ids=case.member_ids)
        return moved

    def give_back(self, case: MergeCase, moved: Moved) -> None:
        """Give back what came along, then count."""
        super().give_back(case, moved)
        count_uses_anew(member_ids=case.member_ids)
