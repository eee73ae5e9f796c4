"""Staff pages of points, tiers, plans and the program."""

from loyalty.admin import ladder, plan, points, program, subscription, tier

__all__ = ["ladder", "plan", "points", "program", "subscription", "tier"]
