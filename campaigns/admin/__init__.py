"""Staff pages of promotions, coupons and messages."""

from campaigns.admin import coupon, message, promotion

__all__ = ["coupon", "message", "promotion"]
