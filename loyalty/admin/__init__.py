"""Staff pages of points, tiers, plans and the program."""

from loyalty.admin import (
    earning,
    ladder,
    plan,
    points,
    program,
    subscription,
    tier,
)

__all__ = ["earning", "ladder", "plan", "points", "program", "subscription", "tier"]
