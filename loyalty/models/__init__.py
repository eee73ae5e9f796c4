"""Tables of the loyalty app."""

from loyalty.models.close import PointsClose
from loyalty.models.ladder import Ladder, Tier
from loyalty.models.points import (
    HoldTake,
    LotTake,
    PointsAccount,
    PointsEntry,
    PointsFreeze,
    PointsHold,
    PointsLot,
)
from loyalty.models.program import Program
from loyalty.models.tier import QualifyingEntry, TierChange
from loyalty.models.value import MemberValue

__all__ = [
    "HoldTake",
    "Ladder",
    "LotTake",
    "MemberValue",
    "PointsAccount",
    "PointsClose",
    "PointsEntry",
    "PointsFreeze",
    "PointsHold",
    "PointsLot",
    "Program",
    "QualifyingEntry",
    "Tier",
    "TierChange",
]
