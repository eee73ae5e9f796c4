"""Tables of the loyalty app."""

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
from loyalty.models.referral import (
    Referral,
    ReferralConversion,
    ReferralProgram,
    ReferralTally,
)
from loyalty.models.tier import QualifyingEntry, TierChange
from loyalty.models.value import MemberValue

__all__ = [
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
    "Referral",
    "ReferralConversion",
    "ReferralProgram",
    "ReferralTally",
    "Tier",
    "TierChange",
]
