"""Staff pages of points, tiers and the program."""

from loyalty.admin import ladder, points, program, tier

__all__ = ["ladder", "points", "program", "tier"]
