"""Staff pages of points, tiers and the program."""

from loyalty.admin import earning, points, program, tier

__all__ = ["earning", "points", "program", "tier"]
