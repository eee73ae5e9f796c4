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
