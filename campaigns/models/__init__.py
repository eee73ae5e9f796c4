"""Tables of the campaigns app."""

from campaigns.models.backtest import Backtest
from campaigns.models.coupon import Coupon, CouponTemplate
from campaigns.models.coupon_codes import CouponBatch, CouponCode, PublicCode
from campaigns.models.coupon_limits import Budget, BuyerMark, FirstOrder, UseTally
from campaigns.models.group import Group, GroupDeal, GroupRung, Seat
from campaigns.models.message import Message
from campaigns.models.promotion import (
    Promotion,
    PromotionRevision,
    PromotionUse,
    PromotionVersion,
)
from campaigns.models.segment import Segment, SegmentMember

__all__ = [
    "Backtest",
    "Budget",
    "BuyerMark",
    "FirstOrder",
    "Coupon",
    "CouponBatch",
    "CouponCode",
    "CouponTemplate",
    "Group",
    "GroupDeal",
    "GroupRung",
    "Message",
    "Promotion",
    "PromotionRevision",
    "PromotionUse",
    "PromotionVersion",
    "PublicCode",
    "Seat",
    "Segment",
    "SegmentMember",
    "UseTally",
]
