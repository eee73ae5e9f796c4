"""Staff pages of points, tiers and the program."""

from loyalty.admin import points, program, referral, tier

__all__ = ["points", "program", "referral", "tier"]
