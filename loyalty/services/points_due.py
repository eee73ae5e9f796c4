"""How many points of an order go with what comes back of it (P19).

One way to find it for what a refund takes, what its preview says, and what waits while
a return is open (R10).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from loyalty.models import PointsEntry, PointsLot
from loyalty.queries.earned_lines import lines_of, split_of
from loyalty.rules.clawback import EarnedLine, Shortage, points_due
from loyalty.rules.ledger import Movement
from loyalty.rules.lots import Lot
from orders.models import Order


@dataclass(slots=True, eq=False)
class Earning:
    """What an order earned, and what refunds took back of it so far."""

    entry: Movement | int
    points: int
    basis_minor: int
    lot: Lot | None
    refunded_minor: int = 0
    taken: int = 0
    #: By position what its lines earned; empty where only the whole is known.
    lines: dict[int, EarnedLine] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a refund moves in a member's points: back (P20), then taken (P16)."""

    source: str
    points_back: int
    goods_minor: int
    #: What becomes of points that are missing (P16, P17).
    shortage: Shortage
    #: Missing points whose value was deducted from the money.
    points_deducted: int
    occurred_at: datetime
    #: What points that go back last at least (P20).
    grace: timedelta
    #: Who waived what is waived, and why: staff for one refund, or the program.
    waived_by: str = "program"
    waived_because: str = ""
    #: Units that come back, by position of their line in the first order.
    units: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Due:
    """Points of one order that a refund takes; ``deducted`` of them by money (P16)."""

    order: Order
    earning: Earning
    settlement: Settlement
    points: int
    deducted: int


def dues_of(
    settlement: Settlement, *, earnings: Sequence[tuple[Order, Earning]]
) -> Iterator[Due]:
    """Count a refund in what its orders earned; yield what is due of each.

    Of orders that replace units what was earned on a difference goes first (R14), the
    rest is of the order that was first paid.

    Args:
        earnings: of the orders of the refund that earned, the first one last.
    """
    (*differences, (root, first)) = earnings
    for order, earning in differences:
        part = min(settlement.goods_minor, earning.basis_minor - earning.refunded_minor)
        if part <= 0:
            continue
        own = replace(
            settlement,
            source=f"{settlement.source}:{order.public_id}",
            goods_minor=part,
            units={},
        )
        due = due_of(order, earning=earning, settlement=own)
        settlement = replace(
            settlement,
            goods_minor=settlement.goods_minor - part,
            points_deducted=settlement.points_deducted - due.deducted,
        )
        yield due
    yield due_of(root, earning=first, settlement=settlement)


def due_of(order: Order, *, earning: Earning, settlement: Settlement) -> Due:
    """Count what comes back of one order; return what is due for it (P19)."""
    earning.refunded_minor += settlement.goods_minor
    for position, units in settlement.units.items():
        if position in earning.lines:
            earning.lines[position].units_back += units
    due = points_due(
        earning.points,
        basis_minor=earning.basis_minor,
        refunded_minor=earning.refunded_minor,
        taken=earning.taken,
        lines=earning.lines.values(),
    )
    earning.taken += due
    deducted = min(due, settlement.points_deducted)
    return Due(order, earning, settlement, due, deducted)


def earnings_of(
    entries: Sequence[PointsEntry], *, lots: Sequence[Lot]
) -> dict[int, Earning]:
    """Return earnings by entry id, with what earlier refunds took off them.

    Args:
        entries: earn entries of locked accounts.
        lots: lots that still hold something; an entry whose lot is not among them has
            nothing left to take.
    """
    by_id = {lot.id: lot for lot in lots}
    opened = dict(
        PointsLot.objects.filter(entry__in=entries).values_list("entry_id", "pk")
    )
    split = [entry.source for entry in entries if "lines" in entry.trace]
    lines = lines_of([source.removeprefix("order:") for source in split])
    found = {
        entry.pk: Earning(
            entry=entry.pk,
            points=entry.points,
            basis_minor=entry.trace["basis_minor"],
            lot=by_id.get(opened.get(entry.pk)),
            lines=split_of(entry.trace, lines.get(entry.source, {})),
        )
        for entry in entries
    }
    for reversal in PointsEntry.objects.filter(reverses__in=entries):
        _count(found[reversal.reverses_id], reversal)
    return found


def _count(earning: Earning, reversal: PointsEntry) -> None:
    """Count what was taken before; a refund that named no units makes all a share."""
    trace = reversal.trace
    earning.taken += trace.get("due", 0) + trace.get("deducted", 0)
    if not reversal.source.startswith("refund:"):
        return  # Staff revoked the points; the goods are where they were.
    earning.refunded_minor += trace["refunded_minor"]
    if "units" not in trace:
        earning.lines.clear()
    for key, units in trace.get("units", {}).items():
        if int(key) in earning.lines:
            earning.lines[int(key)].units_back += units
