"""Staff pages of promotions, coupons, group buying and messages."""

from campaigns.admin import (
    backtest,
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
    "coupon",
    "coupon_codes",
    "group",
    "group_deal",
    "message",
    "promotion",
    "segment",
]
