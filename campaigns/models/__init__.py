"""Tables of the campaigns app."""

from campaigns.models.coupon import Coupon, CouponTemplate
from campaigns.models.group import Group, GroupDeal, GroupRung, Seat
from campaigns.models.message import Message
from campaigns.models.promotion import Promotion, PromotionVersion

__all__ = [
    "Coupon",
    "CouponTemplate",
    "Group",
    "GroupDeal",
    "GroupRung",
    "Message",
    "Promotion",
    "PromotionVersion",
    "Seat",
]
