"""Tables of the loyalty app."""

from loyalty.models.benefit import (
    Benefit,
    BenefitGrant,
    BenefitSanction,
    BenefitTally,
    BenefitUse,
)
from loyalty.models.ladder import Ladder, Tier
from loyalty.models.points import (
    HoldTake,
    LotTake,
    PointsAccount,
    PointsEntry,
    PointsHold,
    PointsLot,
)
from loyalty.models.program import Program
from loyalty.models.reward import Reward, RewardPrice, RewardRedemption
from loyalty.models.tier import QualifyingEntry, TierChange
from loyalty.models.value import MemberValue

__all__ = [
    "Benefit",
    "BenefitGrant",
    "BenefitSanction",
    "BenefitTally",
    "BenefitUse",
    "HoldTake",
    "Ladder",
    "LotTake",
    "MemberValue",
    "PointsAccount",
    "PointsEntry",
    "PointsHold",
    "PointsLot",
    "Program",
    "QualifyingEntry",
    "Reward",
    "RewardPrice",
    "RewardRedemption",
    "Tier",
    "TierChange",
]
