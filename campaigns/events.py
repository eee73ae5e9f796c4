"""Facts the campaigns app publishes."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class CouponIssued:
    """A member got a coupon."""

    name: ClassVar[str] = "campaigns.CouponIssued"
    coupon_id: int
    member_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class CouponGivenAway:
    """A member took a coupon that another one gave away (C24)."""

    name: ClassVar[str] = "campaigns.CouponGivenAway"
    coupon_id: int
    from_member_id: int
    to_member_id: int
