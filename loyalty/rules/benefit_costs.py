"""What other tiers would have cost the shop in the last year. Plain Python."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from loyalty.rules.clawback import points_worth


@dataclass(frozen=True, slots=True)
class EarnedOtherwise:
    """Points of a year before any multiplier, and the multipliers now and then."""

    base_points: int
    before_bp: int
    after_bp: int


@dataclass(frozen=True, slots=True)
class BoughtOtherwise:
    """Units of a SKU in a year, and what one costs now and then, in minor units."""

    units: int
    before_minor: int
    after_minor: int


@dataclass(frozen=True, slots=True)
class BenefitCost:
    """What a change costs the shop a year; below 0 is what it saves."""

    points: int = 0
    #: What these points are worth when spent.
    points_minor: int = 0
    #: What prices of tiers take off more.
    prices_minor: int = 0

    @property
    def total_minor(self) -> int:
        """Return points and prices together, in money."""
        return self.points_minor + self.prices_minor


def benefit_cost(
    *,
    earned: Iterable[EarnedOtherwise],
    bought: Iterable[BoughtOtherwise],
    minor_per_100: int,
) -> BenefitCost:
    """Return what the same year would have cost more with the tiers of then.

    Points are rounded once, towards none; their worth, too.

    >>> benefit_cost(
    ...     earned=[EarnedOtherwise(1000, 15000, 12000)],
    ...     bought=[BoughtOtherwise(3, 800, 900)],
    ...     minor_per_100=100,
    ... )
    BenefitCost(points=-300, points_minor=-300, prices_minor=-300)
    """
    points = int(
        sum(
            Fraction(each.base_points * (each.after_bp - each.before_bp), 10_000)
            for each in earned
        )
    )
    worth = points_worth(abs(points), minor_per_100=minor_per_100)
    return BenefitCost(
        points=points,
        points_minor=worth if points >= 0 else -worth,
        prices_minor=sum(
            each.units * (each.before_minor - each.after_minor) for each in bought
        ),
    )
