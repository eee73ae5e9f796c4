"""Staff pages of promotions, coupons and messages."""

from campaigns.admin import coupon, coupon_codes, message, promotion

__all__ = ["coupon", "coupon_codes", "message", "promotion"]
