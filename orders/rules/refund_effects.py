"""The socket for what a refund does elsewhere (``crm.wiring.REFUND_EFFECTS``).

Apps above say what a refund will do to points, tiers and coupons, and later what it
did. They ask the same functions for both, so a preview is what happens. Plain Python.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

#: Among the kinds of ``PlannedRefund.worth_minor``: what is deducted, below 0.
DEDUCTED = "deducted"


class Shortfall(StrEnum):
    """What becomes of earned points that are no longer there to be taken (P16, P17)."""

    #: As the points program says.
    PROGRAM = "program"
    DEDUCT = "deduct"
    WAIVE = "waive"


@dataclass(frozen=True, slots=True)
class UnitsBack:
    """Units of a line that come back, with what had paid for them."""

    quantity: int
    amount_minor: int = 0
    points: int = 0


@dataclass(frozen=True, slots=True)
class PlannedRefund:
    """A refund as other apps see it before it is made.

    ``root_id`` is the order that was first paid: the same one unless the units came
    by exchange (R13). ``worth_minor`` is what comes back by kind of line, less what is
    deducted because of goods; see ``value_minor``.
    """

    order_id: int
    root_id: int
    member_id: int | None
    #: The money before missing points are deducted from it.
    amount_minor: int
    points: int
    #: True when no unit of the order is left and money goes back for the last one.
    closes_order: bool
    shortfall: Shortfall = Shortfall.PROGRAM
    #: What comes back, by position of the line.
    units: Mapping[int, UnitsBack] = field(default_factory=dict)
    #: Whether the money can still be lowered: not where another system gave it already,
    #: nor in an exchange.
    may_deduct: bool = False
    worth_minor: Mapping[str, int] = field(default_factory=dict)

    def value_minor(self, kinds: Collection[str]) -> int:
        """Return the value taken back of lines of some kinds, which earned points."""
        of_kinds = {*kinds, DEDUCTED}
        return max(
            0, sum(m for kind, m in self.worth_minor.items() if kind in of_kinds)
        )


@dataclass(frozen=True, slots=True)
class Effect:
    """One sentence about what a refund does, with a stable code and its numbers.

    ``message`` is translatable and names its ``params``; money stands there as
    ``…_minor`` and is written without the suffix. ``deduct_minor`` is what
    ``deduct_points`` missing points cost the buyer when they are deducted.
    ``used_minor`` and ``used_points`` are what of a fee stays with the shop, for it was
    used (R21).
    """

    code: str
    message: Any
    params: dict[str, Any] = field(default_factory=dict)
    deduct_points: int = 0
    deduct_minor: int = 0
    used_minor: int = 0
    used_points: int = 0


class RefundEffects(Protocol):
    """One entry of ``REFUND_EFFECTS``."""

    def preview(self, planned: PlannedRefund, *, now: datetime) -> Sequence[Effect]:
        """Return what the refund would do. Writes nothing."""
        ...

    def booked(self, refund_id: int) -> Sequence[Effect]:
        """Return what a refund did so far."""
        ...
