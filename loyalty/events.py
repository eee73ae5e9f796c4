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
