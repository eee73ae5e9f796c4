"""How many earned points are taken back, and what if they are gone. Plain Python."""

from enum import StrEnum


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


def points_due(
    earned: int, *, basis_minor: int, refunded_before_minor: int, refunded_minor: int
) -> int:
    """Return the points a refund takes back, by cumulative value (P19).

    The clawed total after any number of refunds is
    ``floor(earned × refunded in all / basis)``, whatever their portions.

    Args:
        earned: points the order earned, >= 0.
        basis_minor: what they were earned on.
        refunded_before_minor: goods value taken back by earlier refunds.
        refunded_minor: goods value this refund takes back.

    >>> [points_due(97, basis_minor=300, refunded_before_minor=n * 100,
    ...             refunded_minor=100) for n in range(3)]
    [32, 32, 33]
    """

    def clawed(total_minor: int) -> int:
        if basis_minor <= 0:
            return 0
        return earned * min(total_minor, basis_minor) // basis_minor

    return clawed(refunded_before_minor + refunded_minor) - clawed(
        refunded_before_minor
    )


def points_worth(points: int, *, minor_per_100: int) -> int:
    """Return what points are worth when spent, rounded down for the buyer (P16).

    >>> points_worth(150, minor_per_100=100)
    150
    """
    return points * minor_per_100 // 100
