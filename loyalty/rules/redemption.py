"""How many points may pay in an order, by the terms of a program. Plain Python.

The shop's own terms are ``loyalty.rules.points.redemption`` (P22); here every bound is
a term, and a refusal has the name of the bound.
"""

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class RedemptionTerms:
    """``points`` are worth ``amount_minor``; they are spent in whole such units."""

    points: int
    amount_minor: int
    min_points: int = 0
    #: The largest share of the order that points pay.
    share: Fraction = Fraction(1)
    #: More than there is: spend what there is, or refuse.
    clamps: bool = False


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What is spent and what it pays; ``reason`` says why nothing is."""

    points: int = 0
    amount_minor: int = 0
    reason: str = ""


def redeemed(
    terms: RedemptionTerms,
    *,
    available: int,
    payable_minor: int,
    requested: int | None = None,
) -> Redeemed:
    """Return what points pay of an order.

    A request above the share is lowered to it; one above the balance is lowered or
    refused, as the terms say. No request is as many as possible.

    >>> terms = RedemptionTerms(100, 500, share=Fraction(1, 2))
    >>> redeemed(terms, available=1000, payable_minor=3000)
    Redeemed(points=300, amount_minor=1500, reason='')
    """
    if requested is not None and requested > available and not terms.clamps:
        return Redeemed(reason="insufficient_points")
    wanted = available if requested is None else min(requested, available)
    most_minor = int(payable_minor * terms.share)
    steps = min(wanted // terms.points, most_minor // terms.amount_minor)
    points = steps * terms.points
    if points and points >= terms.min_points:
        return Redeemed(points, steps * terms.amount_minor)
    short = wanted < max(terms.min_points, terms.points)
    return Redeemed(reason="insufficient_points" if short else "condition_not_met")
