"""Facts the loyalty app publishes."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class PointsEarned:
    """Points of an order were booked."""

    name: ClassVar[str] = "loyalty.PointsEarned"
    member_id: int
    entry_id: int
    points: int


@dataclass(frozen=True, slots=True)
class TierChanged:
    """A member moved to another tier; ``is_upgrade`` tells the direction."""

    name: ClassVar[str] = "loyalty.TierChanged"
    member_id: int
    change_id: int
    to_tier_code: str
    is_upgrade: bool


@dataclass(frozen=True, slots=True)
class RewardRedeemed:
    """A member took a reward for points."""

    name: ClassVar[str] = "loyalty.RewardRedeemed"
    member_id: int
    redemption_id: int
    points: int


@dataclass(frozen=True, slots=True)
class RedemptionEnded:
    """A reward was cancelled or given back; its points went back with it."""

    name: ClassVar[str] = "loyalty.RedemptionEnded"
    member_id: int
    redemption_id: int


@dataclass(frozen=True, slots=True)
class BenefitDue:
    """A gift or drip is due: whoever gives coupons gives that of ``template``."""

    name: ClassVar[str] = "loyalty.BenefitDue"
    member_id: int
    use_id: int
    template: str
    source: str
