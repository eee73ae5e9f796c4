"""Staff pages of points, tiers, rewards, benefits and the program."""

from loyalty.admin import benefit, points, program, redemption, reward, tier

__all__ = ["benefit", "points", "program", "redemption", "reward", "tier"]
