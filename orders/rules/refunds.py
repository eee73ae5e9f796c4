"""How much a refund gives back, from what was agreed at purchase (R1). Plain Python.

Today's prices and offers play no part. Shares are cumulative, so that returning all
units in any portions gives back exactly what was paid (R2).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crm.shared.money import cumulative_share


class UnknownPosition(ValueError):
    """The order has no line at this position."""


class TooManyUnits(ValueError):
    """More units than are left to return, or none at all."""


@dataclass(frozen=True, slots=True)
class PaidLine:
    """A line as it was paid. ``net_minor`` is without the part paid by points."""

    position: int
    quantity: int
    net_minor: int
    refunded_quantity: int = 0
    refunded_minor: int = 0
    points: int = 0
    points_returned: int = 0


@dataclass(frozen=True, slots=True)
class LineRefund:
    """Units of one line that come back, with their money and points."""

    position: int
    quantity: int
    amount_minor: int
    points: int


@dataclass(frozen=True, slots=True)
class RefundQuote:
    """What a refund gives back, before it is made."""

    lines: tuple[LineRefund, ...]
    freight_minor: int
    #: True when no unit of the order is left afterwards.
    is_last: bool

    @property
    def amount_minor(self) -> int:
        """Return the money to the buyer, freight included."""
        return sum(line.amount_minor for line in self.lines) + self.freight_minor

    @property
    def points(self) -> int:
        """Return the spent points that go back to their lots (P20)."""
        return sum(line.points for line in self.lines)


def refund_quote(
    lines: Sequence[PaidLine],
    items: Mapping[int, int],
    *,
    freight_left_minor: int = 0,
) -> RefundQuote:
    """Quote the return of some units.

    Args:
        lines: every line of the order.
        items: position -> units that come back, at least 1 each.
        freight_left_minor: freight to give back with it (R5); 0 for none.

    Raises:
        UnknownPosition: ``items`` names a line the order does not have.
        TooManyUnits: not ``1 <= units <= units not yet refunded``.

    >>> quote = refund_quote([PaidLine(1, 3, 10000)], {1: 1})
    >>> quote.amount_minor, quote.is_last
    (3333, False)
    """
    known = {line.position: line for line in lines}
    unknown = sorted(set(items) - set(known))
    if unknown:
        raise UnknownPosition(unknown[0])
    parts = tuple(
        _line_refund(known[position], units)
        for position, units in sorted(items.items())
    )
    left = sum(line.quantity - line.refunded_quantity for line in lines)
    return RefundQuote(
        lines=parts,
        freight_minor=freight_left_minor,
        is_last=sum(part.quantity for part in parts) == left,
    )


def _line_refund(line: PaidLine, units: int) -> LineRefund:
    after = line.refunded_quantity + units
    if units < 1 or after > line.quantity:
        raise TooManyUnits(line.position)
    owed = cumulative_share(line.net_minor, after, line.quantity)
    points = cumulative_share(line.points, after, line.quantity)
    return LineRefund(
        position=line.position,
        quantity=units,
        # Returns of imported books may have given back more than their share.
        amount_minor=max(0, owed - line.refunded_minor),
        points=max(0, points - line.points_returned),
    )


def unit_prices(net_minor: int, quantity: int) -> list[int]:
    """Split a line's net into exact unit prices (S11), in order of return (R2).

    >>> unit_prices(10000, 3)
    [3333, 3334, 3333]
    """
    steps = [cumulative_share(net_minor, k, quantity) for k in range(quantity + 1)]
    return [after - before for before, after in zip(steps, steps[1:], strict=False)]
