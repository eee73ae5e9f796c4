"""A refund on paper: parts that add up to the bank amount and to the points (R22).

Plain Python.
"""

from dataclasses import dataclass
from datetime import datetime

from orders.rules.refund_effects import Effect


@dataclass(frozen=True, slots=True)
class StatementLine:
    """Units that came back, with their money and the points spent on them."""

    sku: str
    name: str
    quantity: int
    amount_minor: int
    points: int


@dataclass(frozen=True, slots=True)
class StatementPart:
    """A deduction (negative when one is given back), or a way the money went.

    ``state`` says where the money of a tender is.
    """

    code: str
    amount_minor: int
    state: str = ""
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """One refund with everything that makes up its sums."""

    refund: str
    order: str
    kind: str
    state: str
    reason: str
    currency: str
    requested_at: datetime
    completed_at: datetime | None
    lines: tuple[StatementLine, ...]
    freight_minor: int
    deductions: tuple[StatementPart, ...]
    tenders: tuple[StatementPart, ...]
    #: The amount of the refund and the points it returned, as they were booked.
    amount_minor: int
    points_returned: int
    effects: tuple[Effect, ...] = ()
    #: Of those points, what had paid for the freight (P23).
    freight_points: int = 0
    #: Points of the lines that stay, for what they paid was used (R21).
    points_kept: int = 0

    @property
    def units_minor(self) -> int:
        """Return what was paid for the units."""
        return sum(line.amount_minor for line in self.lines)

    @property
    def deducted_minor(self) -> int:
        """Return what went off."""
        return sum(part.amount_minor for part in self.deductions)

    @property
    def elsewhere_minor(self) -> int:
        """Return what went back outside this shop's payments, such as an exchange."""
        return self.amount_minor - sum(part.amount_minor for part in self.tenders)

    @property
    def adds_up(self) -> bool:
        """Whether the parts make the sums; anything else is a defect."""
        points = sum(line.points for line in self.lines)
        points += self.freight_points - self.points_kept
        return (
            self.units_minor + self.freight_minor - self.deducted_minor
            == self.amount_minor
            and self.elsewhere_minor >= 0
            and (self.kind == "exchange" or points == self.points_returned)
        )
