"""Staff pages of promotions, coupons, group buying and messages."""

from campaigns.admin import coupon, group, group_deal, message, promotion

__all__ = ["coupon", "group", "group_deal", "message", "promotion"]
