"""Which way a return goes, and how long one may be asked for (R16, R17). Plain Python.

The names are the values of ``orders.models.ReturnRequest.State``.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from crm.shared.dates import bounds_of_day

#: State -> states it may move to; everything else is refused. Only what is sent back
#: is inspected; money alone goes back once it is approved.
MOVES: dict[str, frozenset[str]] = {
    "requested": frozenset({"approved", "refused", "cancelled"}),
    "approved": frozenset({"in_transit", "received", "refunded", "cancelled"}),
    "in_transit": frozenset({"received"}),
    "received": frozenset({"inspected"}),
    "inspected": frozenset({"refunded", "exchanged", "refused"}),
    "refunded": frozenset(),
    "exchanged": frozenset(),
    "refused": frozenset(),
    "cancelled": frozenset(),
}
#: The ends: units that were asked back are free again, or back.
CLOSED = tuple(state for state, nexts in MOVES.items() if not nexts)
OPEN = tuple(state for state, nexts in MOVES.items() if nexts)

#: Reasons that are the merchant's fault: the freight goes back, too (R5).
FAULTS = frozenset({"damaged", "wrong_item", "not_as_described", "late"})


def may_move(from_state: str, to_state: str, *, is_sent_back: bool = True) -> bool:
    """Whether a return in ``from_state`` may become ``to_state``.

    Args:
        is_sent_back: whether goods come back; then money follows the inspection.

    >>> may_move("requested", "approved"), may_move("refused", "approved")
    (True, False)
    >>> may_move("approved", "refunded"), may_move(
    ...     "approved", "refunded", is_sent_back=False
    ... )
    (False, True)
    """
    if from_state == "approved" and to_state in {"refunded", "in_transit", "received"}:
        return (to_state == "refunded") is not is_sent_back
    return to_state in MOVES[from_state]


def return_ends_at(
    delivered_at: datetime | None, *, days: int, zone: ZoneInfo
) -> datetime | None:
    """Return when a return can no longer be asked for; None while it is on its way.

    The day of delivery is day 0 in the shop's zone; the last day counts whole (R17).
    """
    if delivered_at is None:
        return None
    last = delivered_at.astimezone(zone).date() + timedelta(days=days)
    return bounds_of_day(last, zone)[1]
