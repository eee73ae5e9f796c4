"""Staff pages of points, tiers, plans, rewards, benefits and the program."""

from loyalty.admin import (
    benefit,
    closes,
    currency,
    earning,
    ladder,
    plan,
    points,
    program,
    redemption,
    referral,
    reward,
    subscription,
    tier,
    value,
)

__all__ = [
    "benefit",
    "closes",
    "currency",
    "earning",
    "ladder",
    "plan",
    "points",
    "program",
    "redemption",
    "referral",
    "reward",
    "subscription",
    "tier",
    "value",
]
