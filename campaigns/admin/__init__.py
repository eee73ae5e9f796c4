"""Staff pages of promotions, coupons, group buying and messages."""

from campaigns.admin import (
    backtest,
    budget,
    coupon,
    coupon_codes,
    group,
    group_deal,
    message,
    promotion,
    segment,
)

__all__ = [
    "backtest",
    "budget",
    "coupon",
    "coupon_codes",
    "group",
    "group_deal",
    "message",
    "promotion",
    "segment",
]
