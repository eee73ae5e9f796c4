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
    #: ``""``, ``available`` or ``share``.
    limit: str = ""


def redemption(
    *,
    requested: int,
    available: int,
    payable_minor: int,
    share_bp: int,
    step: int,
    minor_per_100: int,
) -> Redemption:
    """Return what points pay of an order (P22).

    Used are min(requested, available, the share of what is payable), rounded down to
    the step; 0 below one step. The money is never more than the allowed share.

    Args:
        requested: points the buyer wants to spend, >= 0.
        available: points the buyer can spend.
        payable_minor: goods still to pay, after all other reductions.
        share_bp: the largest share of it that points may pay.
        step: points are spent in multiples of it, > 0.
        minor_per_100: what 100 points are worth.

    >>> redemption(requested=1000, available=900, payable_minor=1150,
    ...            share_bp=5000, step=100, minor_per_100=100)
    Redemption(points=500, amount_minor=500, limit='share')
    """
    if minor_per_100 <= 0:
        return Redemption(0, 0, "share")
    most_minor = payable_minor * share_bp // WHOLE_BP
    most = most_minor * 100 // minor_per_100
    wanted = min(requested, available, most)
    points = max(0, wanted) // step * step
    amount = points * minor_per_100 // 100
    if amount == 0:
        points = 0
    limit = ""
    if points < requested // step * step:
        limit = "available" if available <= most else "share"
    return Redemption(points, amount, limit)
