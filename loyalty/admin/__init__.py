"""Staff pages of points, tiers and the program."""

from loyalty.admin import plan, points, program, subscription, tier

__all__ = ["plan", "points", "program", "subscription", "tier"]
