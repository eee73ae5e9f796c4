"""What delivery costs. Plain Python."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FreightRule:
    """A flat fee, waived from a spend on. Amounts in minor units.

    ``free_from_minor`` compares with goods after promotions and coupons and before
    points, so that spending points never brings the fee back; None never waives.
    """

    fee_minor: int = 0
    free_from_minor: int | None = None


def freight_minor(rule: FreightRule, *, goods_minor: int, has_goods: bool) -> int:
    """Return the fee for an order whose goods cost ``goods_minor``.

    Nothing to deliver costs nothing.

    >>> rule = FreightRule(fee_minor=1000, free_from_minor=9900)
    >>> [freight_minor(rule, goods_minor=m, has_goods=True) for m in (9899, 9900)]
    [1000, 0]
    """
    if not has_goods:
        return 0
    if rule.free_from_minor is not None and goods_minor >= rule.free_from_minor:
        return 0
    return rule.fee_minor
