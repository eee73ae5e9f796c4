"""Tables of the loyalty app."""

from loyalty.models.benefit import (
    Benefit,
    BenefitGrant,
    BenefitSanction,
    BenefitTally,
    BenefitUse,
)
from loyalty.models.close import PointsClose
from loyalty.models.currency import VALUE, Currency
from loyalty.models.earning import CheckIn, EarningRule, EarningTally
from loyalty.models.hold import HoldTake, PointsFreeze, PointsHold
from loyalty.models.ladder import Ladder, LadderVersion, Tier, VersionRung
from loyalty.models.plan import Plan, PlanPrice
from loyalty.models.points import LotTake, PointsAccount, PointsEntry, PointsLot
from loyalty.models.program import Program
from loyalty.models.reason import ReasonCode
from loyalty.models.referral import (
    Referral,
    ReferralConversion,
    ReferralProgram,
    ReferralTally,
)
from loyalty.models.reward import Reward, RewardPrice, RewardRedemption
from loyalty.models.subscription import (
    Subscription,
    SubscriptionMove,
    SubscriptionPeriod,
)
from loyalty.models.tier import QualifyingEntry, TierChange, TierStanding
from loyalty.models.value import (
    MemberScore,
    MemberValue,
    PastScore,
    RfmSegment,
    ScoreMonth,
)

__all__ = [
    "Benefit",
    "BenefitGrant",
    "BenefitSanction",
    "BenefitTally",
    "BenefitUse",
    "VALUE",
    "CheckIn",
    "Currency",
    "EarningRule",
    "EarningTally",
    "HoldTake",
    "Ladder",
    "LadderVersion",
    "LotTake",
    "MemberScore",
    "MemberValue",
    "PastScore",
    "Plan",
    "PlanPrice",
    "PointsAccount",
    "PointsClose",
    "PointsEntry",
    "PointsFreeze",
    "PointsHold",
    "PointsLot",
    "Program",
    "QualifyingEntry",
    "ReasonCode",
    "Referral",
    "ReferralConversion",
    "ReferralProgram",
    "ReferralTally",
    "Reward",
    "RewardPrice",
    "RewardRedemption",
    "Subscription",
    "SubscriptionMove",
    "SubscriptionPeriod",
    "RfmSegment",
    "ScoreMonth",
    "Tier",
    "TierChange",
    "TierStanding",
    "VersionRung",
]
