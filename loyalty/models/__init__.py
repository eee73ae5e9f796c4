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
from loyalty.models.tier import QualifyingEntry, TierChange
from loyalty.models.value import (
    MemberScore,
    MemberValue,
    PastScore,
    RfmSegment,
    ScoreMonth,
)

__all__ = [
    "HoldTake",
    "Ladder",
    "LotTake",
    "MemberScore",
    "MemberValue",
    "PastScore",
    "PointsAccount",
    "PointsEntry",
    "PointsHold",
    "PointsLot",
    "Program",
    "QualifyingEntry",
    "RfmSegment",
    "ScoreMonth",
    "Tier",
    "TierChange",
]
