"""Facts the loyalty app publishes."""

from dataclasses import dataclass, field
from datetime import datetime
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
    """A member moved to another tier; ``is_upgrade`` tells the direction.

    ``gifts`` are the tiers whose entry gifts are due, each once per ``cycle`` (T4, T5):
    a calendar year where gifts come again, else empty.
    """

    name: ClassVar[str] = "loyalty.TierChanged"
    member_id: int
    change_id: int
    to_tier_code: str
    is_upgrade: bool
    ladder: str = "main"
    gifts: list[str] = field(default_factory=list)
    cycle: str = ""


@dataclass(frozen=True, slots=True)
class PlanStarted:
    """A member began a paid plan, by a trial, a payment or a change."""

    name: ClassVar[str] = "loyalty.PlanStarted"
    member_id: int
    subscription_id: int
    plan_code: str
    is_trial: bool


@dataclass(frozen=True, slots=True)
class PlanRenewed:
    """More days of a plan were paid."""

    name: ClassVar[str] = "loyalty.PlanRenewed"
    member_id: int
    subscription_id: int
    period_id: int


@dataclass(frozen=True, slots=True)
class PlanPaymentFailed:
    """A renewal was not paid; ``order_id`` waits for the member, unless it is None.

    ``reason`` is the code of a refusal, ``declined``, or ``nothing_bound``.
    """

    name: ClassVar[str] = "loyalty.PlanPaymentFailed"
    member_id: int
    subscription_id: int
    order_id: int | None
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class PlanEnded:
    """A member no longer has a plan."""

    name: ClassVar[str] = "loyalty.PlanEnded"
    member_id: int
    subscription_id: int
    plan_code: str
    reason: str


@dataclass(frozen=True, slots=True)
class TierAtRisk:
    """A term ends soon and the tier is not earned again; told once a term (T17).

    ``missing_minor`` is in what the ladder counts: minor units, points or orders;
    ``also_missing`` of the tier's second number, 0 where it has none or enough.
    """

    name: ClassVar[str] = "loyalty.TierAtRisk"
    member_id: int
    ladder: str
    tier_code: str
    metric: str
    missing_minor: int
    valid_until: datetime
    also_missing: int = 0


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
class SeatTaken:
    """A member's ticket was shown at the door, and let somebody in."""

    name: ClassVar[str] = "loyalty.SeatTaken"
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


@dataclass(frozen=True, slots=True)
class ReferralRewarded:
    """A friend counted, and what was promised was given."""

    name: ClassVar[str] = "loyalty.ReferralRewarded"
    referral_id: int
    inviter_id: int
    friend_id: int

    @property
    def key(self) -> str:
        """Return the referral's place in the queue."""
        return f"referral:{self.referral_id}"


@dataclass(frozen=True, slots=True)
class ReferralReversed:
    """What a friend had brought was taken back with the order."""

    name: ClassVar[str] = "loyalty.ReferralReversed"
    referral_id: int
    inviter_id: int
    friend_id: int

    @property
    def key(self) -> str:
        """Return the referral's place in the queue."""
        return f"referral:{self.referral_id}"
