"""Points that pay in an order of the wire format. Plain Python."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from campaigns.rules.wire.reading import Money, known_keys, number, rate
from loyalty.rules.redemption import RedemptionTerms, redeemed
from orders.rules.lines import StageLine
from orders.rules.offers import Offer, Reduction, Refused, Stage

_KEYS = {
    *("points", "amount", "min_points", "max_percent_of_order", "requested"),
}


def terms_of(
    given: Mapping[str, Any], money: Money, policies: Mapping[str, str], parts: int
) -> RedemptionTerms:
    """Return the terms of ``redeem``; ``parts`` is what a point is counted in."""
    known_keys("redeem", given, _KEYS)
    most = given.get("max_percent_of_order")
    if number(given["points"]) <= 0 or money.read(given["amount"]) <= 0:
        raise ValueError("redeem: points that are worth nothing")
    return RedemptionTerms(
        points=points_of(given["points"], parts),
        amount_minor=money.read(given["amount"]),
        min_points=points_of(given.get("min_points") or 0, parts),
        share=Fraction(1) if most is None else rate(most),
        clamps=policies["redeem.over_balance"] == "clamp",
    )


def points_of(value: Any, parts: int) -> int:
    """Return points in the parts they are counted in.

    Raises:
        ValueError: they are finer than that.
    """
    points = number(value, "points") * parts
    if points.denominator != 1:
        raise ValueError(f"points {value}")
    return int(points)


@dataclass(frozen=True, slots=True)
class PointsPay(Offer):
    """Points as the last offer: they pay goods, after everything else."""

    program: RedemptionTerms
    available: int
    requested: int | None = None
    name: str = "points"
    source_id: str = "points"
    source_kind: str = "points"
    stage: Stage = Stage.POINTS
    priority: int = 0
    exclusive_group: str = ""

    def reduce(self, lines: Sequence[StageLine]) -> Reduction | Refused:
        """Pay goods as far as the terms go."""
        goods = [e for e in lines if e.line.kind == "goods" and e.amount_minor > 0]
        paid = redeemed(
            self.program,
            available=self.available,
            payable_minor=sum(each.amount_minor for each in goods),
            requested=self.requested,
        )
        if not paid.points:
            return Refused(paid.reason)
        return Reduction(
            amount_minor=paid.amount_minor,
            positions=tuple(each.line.position for each in goods),
            points=paid.points,
        )
