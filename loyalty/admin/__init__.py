"""Staff pages of points, tiers and the program."""

from loyalty.admin import points, program, tier, value

__all__ = ["points", "program", "tier", "value"]
