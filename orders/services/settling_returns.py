"""Looking at what came back, and giving money for it (R15, R16).

Other goods instead are in ``settling_exchanges``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from orders.models import Order, Refund, ReturnLine, ReturnRequest
from orders.queries.returns import wanted_units
from orders.rules.refund_effects import Shortfall
from orders.rules.refunds import RefundQuote
from orders.services.refund_preview import (
    NothingToRefund,
    RefundPolicy,
    quote_refund,
)
from orders.services.refunding import refund_order
from orders.services.return_requests import (
    Wish,
    free_units,
    lock_return,
    move_return,
    refuse_move,
    refuse_return,
)
from orders.services.stocking import release_stock, return_stock

_State = ReturnRequest.State
_Kind = ReturnRequest.Kind


@dataclass(frozen=True, slots=True)
class Finding:
    """What the inspection of one line found; ``quantity`` units are accepted."""

    quantity: int
    restock: bool
    condition: str


def quote_wish(*, order_id: int, wish: Wish, now: datetime) -> RefundQuote:
    """Say what a return would give back, before it is asked for. Writes nothing.

    Raises:
        OrderNotRefundable, ReturnTooLate, NothingToRefund: as they say.
    """
    refuse_return(Order.objects.get(pk=order_id), now=now)
    return quote_refund(
        order_id=order_id,
        items=wish.items,
        freight=None,
        policy=RefundPolicy(reason_code=wish.reason_code),
        now=now,
    )


def quote_return(
    *, return_id: int, shortfall: Shortfall = Shortfall.PROGRAM, now: datetime
) -> RefundQuote:
    """Say what refunding a return gives back and does. Writes nothing.

    Raises:
        OrderNotRefundable, NothingToRefund: as they say.
    """
    request = ReturnRequest.objects.get(pk=return_id)
    return quote_refund(
        order_id=request.order_id,
        items=_accepted(request),
        freight=None,
        policy=_policy(request, shortfall),
        now=now,
    )


def _shelve_gifts(refund: Refund, items: Mapping[int, int], now: datetime) -> None:
    """Put gifts on the shelf that follow a return and never left: nobody inspects them.

    They are what a refund gives back besides ``items`` (R8).
    """
    shelf: dict[int, int] = {}
    for part in refund.lines.select_related("order_line"):
        line = part.order_line
        more = part.quantity - items.get(line.position, 0)
        if more:
            shelf[line.variant_id] = shelf.get(line.variant_id, 0) + more
    if shelf and refund.order.is_ours:
        return_stock(shelf, order_id=refund.order_id, now=now)


def _policy(request: ReturnRequest, shortfall: Shortfall) -> RefundPolicy:
    return RefundPolicy(
        reason_code=request.reason_code, shortfall=shortfall, return_id=request.pk
    )


def _accepted(request: ReturnRequest) -> dict[int, int]:
    """Return position -> units that are settled: what inspection took, or all."""
    units = {}
    for line in request.lines.select_related("order_line"):
        seen = line.inspected_quantity
        units[line.order_line.position] = line.quantity if seen is None else seen
    return {position: count for position, count in units.items() if count}


@transaction.atomic
def inspect_return(
    *,
    return_id: int,
    findings: Mapping[int, Finding],
    actor: Any,
    note: str = "",
    now: datetime,
) -> ReturnRequest:
    """Write down what came back; only now units re-enter the stock (R15).

    Args:
        findings: one for each position of the return.

    Raises:
        NothingToRefund: positions or units that were not asked back.
        ReturnMoveRefused: it does not wait for an inspection.
    """
    request = lock_return(return_id=return_id)
    request = move_return(
        request, to_state=_State.INSPECTED, actor=actor, note=note, now=now
    )
    lines = list(request.lines.select_related("order_line"))
    if {line.order_line.position for line in lines} != set(findings):
        raise NothingToRefund
    shelf: dict[int, int] = {}
    for line in lines:
        found = findings[line.order_line.position]
        if not 0 <= found.quantity <= line.quantity:
            raise NothingToRefund
        line.inspected_quantity = found.quantity
        line.restock, line.condition = found.restock, found.condition
        if found.restock and found.quantity:
            variant_id = line.order_line.variant_id
            shelf[variant_id] = shelf.get(variant_id, 0) + found.quantity
    ReturnLine.objects.bulk_update(
        lines, ["inspected_quantity", "restock", "condition"]
    )
    # Another system keeps the stock of what it sold.
    if shelf and request.order.is_ours:
        return_stock(shelf, order_id=request.order_id, now=now)
    return request


@transaction.atomic
def refund_return(
    *,
    return_id: int,
    reason: str,
    actor: Any,
    shortfall: Shortfall = Shortfall.PROGRAM,
    expected_hash: str = "",
    most_minor: int | None = None,
    now: datetime,
) -> Refund:
    """Give the money of a return back: of what was accepted, and no more.

    Calling again returns the first refund. What was asked for and not accepted is the
    member's again.

    Args:
        most_minor: see ``refund_order``.

    Raises:
        ReturnMoveRefused: it was not inspected, or its exchange waits for the
            difference.
        RefundAboveLimit: more than ``most_minor``.
        StaleRefundQuote, OrderNotRefundable, NothingToRefund: as they say.
    """
    request = lock_return(return_id=return_id)
    if request.state == _State.REFUNDED:
        return request.refund
    refuse_move(request, to_state=_State.REFUNDED)
    items = _accepted(request)
    free_units(request)
    refund = refund_order(
        order_id=request.order_id,
        items=items,
        reason=reason,
        actor=actor,
        request_key=f"return:{request.public_id}",
        freight=None,
        policy=RefundPolicy(reason_code=request.reason_code, shortfall=shortfall),
        expected_hash=expected_hash,
        most_minor=most_minor,
        now=now,
    )
    _shelve_gifts(refund, items, now)
    if request.kind == _Kind.EXCHANGE:
        # Money instead: what was put aside for the exchange is free again.
        release_stock(wanted_units(request), order_id=request.order_id, now=now)
    move_return(
        request,
        to_state=_State.REFUNDED,
        actor=actor,
        note=reason,
        now=now,
        refund=refund,
        closed_at=now,
    )
    return refund
