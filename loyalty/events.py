"""Facts the loyalty app publishes."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class PointsEarned:
    """Points of an order were booked."""

    name: ClassVar[str] = "loyalty.PointsEarned"
    member_id: int
    entry_id: int
    points: int


@dataclass(frozen=True, slots=True)
class TierChanged:
    """A member moved to another tier; ``is_upgrade`` tells the direction.

    ``gifts`` are the tiers whose entry gifts are due, each once per ``cycle`` (T4, T5):
    a calendar year where gifts come again, else empty.
    """

    name: ClassVar[str] = "loyalty.TierChanged"
    member_id: int
    change_id: int
    to_tier_code: str
    is_upgrade: bool
    ladder: str = "main"
    gifts: list[str] = field(default_factory=list)
    cycle: str = ""


@dataclass(frozen=True, slots=True)
class TierAtRisk:
    """A term ends soon and the tier is not earned again; told once a term (T17).

    ``missing_minor`` is in what the ladder counts: minor units, points or orders.
    """

    name: ClassVar[str] = "loyalty.TierAtRisk"
    member_id: int
    ladder: str
    tier_code: str
    metric: str
    missing_minor: int
    valid_until: datetime
