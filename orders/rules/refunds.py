"""How much a refund gives back, from what was agreed at purchase (R1). Plain Python.

Today's prices and offers play no part. Shares are cumulative, so that returning all
units in any portions gives back exactly what was paid (R2).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from crm.shared.money import cumulative_share, share
from orders.rules.refund_effects import Effect


class UnknownPosition(ValueError):
    """The order has no line at this position."""


class TooManyUnits(ValueError):
    """More units than are left to return, or none at all."""


class DeductionKind(StrEnum):
    """Why less goes back than was paid for the units."""

    #: What is kept no longer reaches the offer of that day (R6).
    REPRICE = "reprice"
    #: A gift stays although what it came with goes back (R8).
    GIFT_KEPT = "gift_kept"
    #: Earned points were spent meanwhile (P16).
    POINTS_SHORT = "points_short"
    #: Freight went back with the last units, and then others were not given back (R5).
    FREIGHT_UNOWED = "freight_unowed"
    #: The price fell after the payment; what was given back then goes off the refund
    #: of the units (G11). Negative: a deduction that comes back.
    OVERPAID = "overpaid"
    #: Days of a paid plan were used, and what it gave (R21).
    PLAN_USED = "plan_used"


#: Deductions that change what the buyer paid for goods, and so what earned points.
OF_GOODS = frozenset(
    {DeductionKind.REPRICE, DeductionKind.GIFT_KEPT, DeductionKind.OVERPAID}
)


@dataclass(frozen=True, slots=True)
class PaidLine:
    """A line as it was paid. ``net_minor`` is without the part paid by points.

    ``promised`` units are asked back by a return under way: nobody else refunds them.
    ``gift_of`` are the positions of the lines this gift came with; ``shipped`` of the
    units left the house. ``exchanged`` of the refunded units became others, in another
    order; ``elsewhere`` of those are still kept there.
    """

    position: int
    quantity: int
    net_minor: int
    refunded_quantity: int = 0
    refunded_minor: int = 0
    points: int = 0
    points_returned: int = 0
    promised: int = 0
    kind: str = "goods"
    list_price_minor: int = 0
    gift_of: tuple[int, ...] = ()
    exchanged: int = 0
    elsewhere: int = 0
    shipped: int = 0


@dataclass(frozen=True, slots=True)
class LineRefund:
    """Units of one line that come back, with their money and points."""

    position: int
    quantity: int
    amount_minor: int
    points: int


@dataclass(frozen=True, slots=True)
class Deduction:
    """What goes back less; a negative amount gives an earlier deduction back."""

    kind: DeductionKind
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Tender:
    """A payment money can go back to, and what went there so far."""

    payment_id: int
    provider: str
    amount_minor: int
    refunded_minor: int = 0


@dataclass(frozen=True, slots=True)
class TenderRefund:
    """What one payment gets back (R4)."""

    payment_id: int
    provider: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class RefundQuote:
    """What a refund gives back and does, before it is made.

    ``amount = lines + freight - deductions``, and that is the sum of ``tenders``,
    unless the order was paid outside this shop's books.
    """

    lines: tuple[LineRefund, ...]
    freight_minor: int
    #: True when no unit of the order is left afterwards.
    is_last: bool
    deductions: tuple[Deduction, ...] = ()
    tenders: tuple[TenderRefund, ...] = ()
    effects: tuple[Effect, ...] = ()
    #: Missing points that the deduction of their value settles (P16).
    points_deducted: int = 0
    #: Points that paid for the freight that goes back (P23).
    freight_points: int = 0
    #: Points that paid for what was used of a plan, and stay with the shop (R21).
    points_kept: int = 0

    @property
    def units_minor(self) -> int:
        """Return what was paid for the units that come back."""
        return sum(line.amount_minor for line in self.lines)

    @property
    def deducted_minor(self) -> int:
        """Return what goes back less; negative when earlier deductions come back."""
        return sum(part.amount_minor for part in self.deductions)

    @property
    def amount_minor(self) -> int:
        """Return the money to the buyer, freight included."""
        return self.units_minor + self.freight_minor - self.deducted_minor

    @property
    def points(self) -> int:
        """Return the spent points that go back to their lots (P20)."""
        spent = sum(line.points for line in self.lines) + self.freight_points
        return spent - self.points_kept

    @property
    def hash(self) -> str:
        """Return the version of this refund: its money, its points, its effects."""
        deal = {
            "lines": [
                [line.position, line.quantity, line.amount_minor, line.points]
                for line in self.lines
            ],
            "freight": self.freight_minor,
            "deductions": [[part.kind, part.amount_minor] for part in self.deductions],
            "tenders": [[part.payment_id, part.amount_minor] for part in self.tenders],
            "points_deducted": self.points_deducted,
            "effects": [[effect.code, effect.params] for effect in self.effects],
        }
        if self.freight_points:
            deal["freight_points"] = self.freight_points
        if self.points_kept:
            deal["points_kept"] = self.points_kept
        text = json.dumps(deal, separators=(",", ":"), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


def refund_quote(
    lines: Sequence[PaidLine],
    items: Mapping[int, int],
    *,
    freight_left_minor: int = 0,
    losses: Mapping[DeductionKind, int] | None = None,
    deducted: Mapping[DeductionKind, int] | None = None,
) -> RefundQuote:
    """Quote the return of some units, without tenders and effects.

    Args:
        lines: every line of the order.
        items: position -> units that come back, at least 1 each.
        freight_left_minor: freight to give back with it (R5); 0 for none.
        losses: what is to be deducted in all once these units are back, by kind. What
            is more than the refund waits for the next one (R8).
        deducted: what earlier refunds deducted, by kind.

    Raises:
        UnknownPosition: ``items`` names a line the order does not have.
        TooManyUnits: not ``1 <= units <= units not yet refunded or promised``.

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
        deductions=_deductions(
            losses or {},
            deducted or {},
            room=sum(part.amount_minor for part in parts) + freight_left_minor,
            goods=sum(
                part.amount_minor
                for part in parts
                if known[part.position].kind == "goods"
            ),
        ),
    )


def _line_refund(line: PaidLine, units: int) -> LineRefund:
    after = line.refunded_quantity + units
    if units < 1 or after + line.promised > line.quantity:
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


def _deductions(
    losses: Mapping[DeductionKind, int],
    deducted: Mapping[DeductionKind, int],
    *,
    room: int,
    goods: int,
) -> tuple[Deduction, ...]:
    """Deduct what the refund can carry; of ``room`` so much is for ``goods``."""
    changes = {kind: losses[kind] - deducted.get(kind, 0) for kind in losses}
    found = []
    # What comes back makes room for what goes off.
    for kind in sorted(changes, key=lambda kind: (changes[kind] > 0, kind)):
        # What goods cost goes off goods, not off freight: points count it as goods.
        amount = min(changes[kind], room, goods if kind in OF_GOODS else room)
        room -= amount
        goods -= amount if kind in OF_GOODS else 0
        if amount:
            found.append(Deduction(kind, amount))
    return tuple(found)


def gifts_kept_minor(lines: Sequence[PaidLine], items: Mapping[int, int]) -> int:
    """Return the listed value of gifts that stay although their cause goes back (R8).

    >>> tea = PaidLine(1, 2, 10000)
    >>> cup = PaidLine(2, 1, 0, list_price_minor=900, gift_of=(1,))
    >>> gifts_kept_minor([tea, cup], {1: 1}), gifts_kept_minor([tea, cup], {1: 2})
    (0, 900)
    """
    return sum(
        max(0, due - _back(gift, items)) * gift.list_price_minor
        for gift, due in _gifts_due(lines, items)
    )


def with_unsent_gifts(
    lines: Sequence[PaidLine], items: Mapping[int, int]
) -> dict[int, int]:
    """Return units that come back, with the gifts due with them that never left (R8).

    >>> tea = PaidLine(1, 2, 10000)
    >>> cup = PaidLine(2, 1, 0, list_price_minor=900, gift_of=(1,))
    >>> with_unsent_gifts([tea, cup], {1: 1}), with_unsent_gifts([tea, cup], {1: 2})
    ({1: 1}, {1: 2, 2: 1})
    """
    found = dict(items)
    for gift, due in _gifts_due(lines, items):
        taken = gift.refunded_quantity + gift.promised + items.get(gift.position, 0)
        unsent = gift.quantity - taken - gift.shipped
        more = min(due - _back(gift, items), unsent)
        if more > 0:
            found[gift.position] = items.get(gift.position, 0) + more
    return found


def _gifts_due(
    lines: Sequence[PaidLine], items: Mapping[int, int]
) -> Iterator[tuple[PaidLine, int]]:
    """Yield gifts with the units that have to be back by now.

    They go back in proportion to the units they came with, rounded down for the buyer.
    """
    by_position = {line.position: line for line in lines}
    for gift in lines:
        causes = [by_position[at] for at in gift.gift_of if at in by_position]
        if causes:
            gone = sum(_back(cause, items) for cause in causes)
            yield gift, gift.quantity * gone // sum(c.quantity for c in causes)


def _back(line: PaidLine, items: Mapping[int, int]) -> int:
    """Return the units that are back for good: not those that are kept as others."""
    return line.refunded_quantity - line.elsewhere + items.get(line.position, 0)


def overpaid_kept_minor(
    given_minor: int, lines: Sequence[PaidLine], items: Mapping[int, int]
) -> int:
    """Return what of an over-payment given back belongs to units that are kept (G11).

    Args:
        given_minor: deducted so far as *overpaid*, for the units not refunded yet; 0
            or negative.
        items: position -> units that come back now.

    >>> tea = PaidLine(1, 2, 16000)
    >>> overpaid_kept_minor(-4000, [tea], {1: 1}), overpaid_kept_minor(-4000, [tea], {})
    (-2000, -4000)
    """
    left = sum(line.quantity - line.refunded_quantity for line in lines)
    kept = min(left, max(0, left - sum(items.values())))
    return -cumulative_share(-given_minor, kept, left) if left else given_minor


def tender_shares(amount_minor: int, tenders: Sequence[Tender]) -> list[TenderRefund]:
    """Share money over the payments it came from, in proportion to them (R4).

    Each payment gets what brings it nearest to its part of everything given back so
    far, so any sequence of refunds adds up per payment: none ever gets more than it
    paid, and when all is back each got exactly what it paid.

    Returns:
        Only payments that get something; what exceeds them all is left out.

    >>> wallet, card = Tender(1, "wallet", 3000), Tender(2, "card", 7000)
    >>> [part.amount_minor for part in tender_shares(3333, [wallet, card])]
    [1000, 2333]
    """
    paid = sum(tender.amount_minor for tender in tenders)
    back = sum(tender.refunded_minor for tender in tenders)
    amount = min(amount_minor, paid - back)
    if amount <= 0:
        return []
    # In units of 1 / paid, so that nothing is rounded before the end.
    behind = [
        max(0, (back + amount) * each.amount_minor - paid * each.refunded_minor)
        for each in tenders
    ]
    room = [each.amount_minor - each.refunded_minor for each in tenders]
    return [
        TenderRefund(tender.payment_id, tender.provider, part)
        for tender, part in zip(tenders, share(amount, behind, room), strict=True)
        if part
    ]


def freight_is_owed(*, is_shipped: bool, is_last: bool, is_fault: bool) -> bool:
    """Whether freight goes back (R5): merchant's fault, or all of it before shipping.

    >>> freight_is_owed(is_shipped=True, is_last=True, is_fault=False)
    False
    """
    return is_fault or (is_last and not is_shipped)


def unit_prices(net_minor: int, quantity: int) -> list[int]:
    """Split a line's net into exact unit prices (S11), in order of return (R2).

    >>> unit_prices(10000, 3)
    [3333, 3334, 3333]
    """
    steps = [cumulative_share(net_minor, k, quantity) for k in range(quantity + 1)]
    return [after - before for before, after in zip(steps, steps[1:], strict=False)]
