"""Staff pages of points, tiers and the program."""

from loyalty.admin import closes, points, program, tier

__all__ = ["closes", "points", "program", "tier"]
