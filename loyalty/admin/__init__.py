"""Staff pages of points, tiers, plans and the program."""

from loyalty.admin import (
    closes,
    earning,
    ladder,
    plan,
    points,
    program,
    subscription,
    tier,
)

__all__ = [
    "closes",
    "earning",
    "ladder",
    "plan",
    "points",
    "program",
    "subscription",
    "tier",
]
