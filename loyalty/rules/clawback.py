"""How many earned points are taken back, and what if they are gone. Plain Python."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import floor

from crm.shared.money import cumulative_share
from orders.rules.refund_effects import Shortfall


class Shortage(StrEnum):
    """What a program does with points that are to be taken and are not there (P16)."""

    PENDING = "pending"
    TO_ZERO = "to_zero"
    DEBT = "debt"
    DEDUCT = "deduct"

    @property
    def may_owe(self) -> bool:
        """Whether what is missing in the end becomes debt; else it is waived (P17)."""
        return self in {Shortage.DEBT, Shortage.DEDUCT}


def shortage_of(shortfall: str, *, policy: str) -> Shortage:
    """Return what becomes of missing points under a choice of staff (P16, P17).

    What a deduction does not settle goes as the program's ``policy`` says; points that
    can be taken are taken before money is.
    """
    if shortfall == Shortfall.WAIVE:
        return Shortage.TO_ZERO
    shortage = Shortage(policy)
    if shortfall == Shortfall.DEDUCT and shortage is Shortage.PENDING:
        return Shortage.TO_ZERO
    return shortage


def shortage_of_grant(policy: str) -> Shortage:
    """Return what becomes of missing points that no order earned (P16).

    They could be spent at once, so a program that takes only what is pending takes of
    them what is there.
    """
    shortage = Shortage(policy)
    return Shortage.TO_ZERO if shortage is Shortage.PENDING else shortage


@dataclass(slots=True)
class EarnedLine:
    """What one line of an order earned, and its units: bought, and back so far."""

    points: int
    units: int
    net_minor: int
    units_back: int = 0


def points_due(
    earned: int,
    *,
    basis_minor: int,
    refunded_minor: int,
    taken: int,
    lines: Iterable[EarnedLine] = (),
) -> int:
    """Return the points a refund takes back, by what its lines earned (P19).

    The clawed total after any number of refunds is the floor of an exact sum: of each
    line ``points × units back / units``; of money that came without units, or was
    kept although they came, its share of the whole. An order without a split is all
    share: ``floor(earned × refunded in all / basis)``.

    Args:
        earned: points the order earned, >= 0.
        basis_minor: what they were earned on.
        refunded_minor: goods value that is back, this refund included.
        taken: what earlier refunds took.
        lines: of the order, with the units back, this refund's included.

    >>> points_due(97, basis_minor=300, refunded_minor=200, taken=32)
    32
    >>> tea, coat = EarnedLine(10, 1, 100), EarnedLine(90, 3, 200, units_back=1)
    >>> points_due(100, basis_minor=300, refunded_minor=67, taken=0, lines=[tea, coat])
    30
    """
    lines = list(lines)
    basis = max(1, basis_minor)
    split = sum(line.points for line in lines)
    exact = Fraction(earned * min(refunded_minor, basis_minor), basis)
    for line in lines:
        back = min(line.units_back, line.units)
        worth = cumulative_share(line.net_minor, back, line.units)
        exact += Fraction(line.points * back, line.units)
        exact -= Fraction(split * worth, basis)
    return max(0, min(earned, floor(exact)) - taken)


def points_worth(points: int, *, minor_per_100: int) -> int:
    """Return what points are worth when spent, rounded down for the buyer (P16).

    >>> points_worth(150, minor_per_100=100)
    150
    """
    return points * minor_per_100 // 100
