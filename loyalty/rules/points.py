"""Points arithmetic. Plain Python: no Django, no clock, no database.

Points are whole numbers. Money is an ``int`` of minor units. Rates are basis points.
"""

from dataclasses import dataclass

from crm.shared.money import WHOLE_BP


@dataclass(frozen=True, slots=True)
class Redemption:
    """How many points pay how much; ``limit`` names what kept it low, if anything."""

    points: int
    amount_minor: int
    #: ``""``, ``available``, ``share``, ``order`` or ``minimum``.
    limit: str = ""


def redemption(
    *,
    requested: int,
    available: int,
    payable_minor: int,
    share_bp: int,
    step: int,
    minor_per_100: int,
    least: int = 0,
    most: int = 0,
) -> Redemption:
    """Return what points pay of an order (P22).

    Used are min(requested, available, the share of what is payable, the cap of an
    order), rounded down to the step; 0 below one step or the minimum. The money is
    never more than the allowed share.

    Args:
        requested: points the buyer wants to spend, >= 0.
        available: points the buyer can spend.
        payable_minor: goods still to pay, after all other reductions.
        share_bp: the largest share of it that points may pay.
        step: points are spent in multiples of it, > 0.
        minor_per_100: what 100 points are worth.
        least: fewer are not spent; 0 is no minimum of its own.
        most: points of one order; 0 is no cap, else at least ``least``.

    >>> redemption(requested=1000, available=900, payable_minor=1150,
    ...            share_bp=5000, step=100, minor_per_100=100)
    Redemption(points=500, amount_minor=500, limit='share')
    """
    if minor_per_100 <= 0:
        return Redemption(0, 0, "share")
    by_share = payable_minor * share_bp // WHOLE_BP * 100 // minor_per_100
    bounds = {"available": available, "share": by_share}
    if most:
        bounds["order"] = most
    limit = min(bounds, key=lambda name: bounds[name])
    points = max(0, min(requested, bounds[limit])) // step * step
    amount = points * minor_per_100 // 100
    asked = requested // step * step
    if amount == 0 or points < least:
        # What was asked for is too little, unless a bound alone made it so.
        is_few = 0 < asked < least and asked <= bounds[limit]
        return Redemption(0, 0, "minimum" if is_few else limit if asked else "")
    return Redemption(points, amount, limit if points < asked else "")
