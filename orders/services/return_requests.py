"""Returns: asked for by members, answered by staff, inspected, settled (R15–R17).

Units asked back are reserved by a conditional write, so that no unit is returned
twice, and nobody else refunds it meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.outbox import record
from orders.events import ReturnMoved
from orders.models import (
    Order,
    OrderLine,
    Product,
    ReturnEvent,
    ReturnLine,
    ReturnRequest,
    Variant,
)
from orders.queries.returns import return_deadline, stock_of_return, wanted_units
from orders.rules.lifecycle import STANDING
from orders.rules.returns import may_move
from orders.services.moving import actor_name, lock_order, refuse_waiting
from orders.services.refund_preview import NothingToRefund, OrderNotRefundable
from orders.services.refunding import lock_orders
from orders.services.stocking import lock_stock, release_stock, reserve_stock

_State = ReturnRequest.State
_Kind = ReturnRequest.Kind


class ReturnTooLate(Refusal):
    """The time for returns of this order is over."""

    code = "return_too_late"
    message = _("The time for returns of this order is over.")


class ReturnMoveRefused(Refusal):
    """This return can no longer do this."""

    code = "return_state_refused"
    message = _("This return can no longer do this.")


class ReasonNeeded(Refusal):
    """Say why: the member reads it."""

    code = "return_reason_needed"
    status = 422
    message = _("Say why: the member reads it.")


class UnknownVariant(Refusal):
    """Say which article is wanted instead, for every line."""

    code = "return_exchange_unknown"
    status = 422
    message = _("Say which article is wanted instead, for every line.")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a member asks for. ``items`` is position -> units.

    ``wanted`` names for each position the SKU wanted instead, for exchanges only.
    """

    kind: str
    items: Mapping[int, int]
    reason_code: str
    words: str = ""
    wanted: Mapping[int, str] | None = None


@transaction.atomic
def request_return(
    *, order_id: int, wish: Wish, actor: Any, now: datetime
) -> ReturnRequest:
    """Ask for a return. Its units are promised to it until it is closed.

    Raises:
        OrderNotRefundable: the order was not paid, or is refunded.
        ReturnTooLate: more than ``RETURN_DAYS`` after delivery (R17).
        NothingToRefund: units that are not there, or are asked back already.
        UnknownVariant: an exchange for nothing that is sold.
    """
    order = lock_order(order_id=order_id)
    refuse_return(order, now=now)
    wanted = wanted_variants(wish)
    request = ReturnRequest.objects.create(
        order=order,
        kind=wish.kind,
        reason_code=wish.reason_code,
        words=wish.words,
        requested_at=now,
    )
    lines = {
        line.position: line
        for line in order.lines.filter(position__in=list(wish.items))
    }
    if not lines or set(lines) != set(wish.items):
        raise NothingToRefund
    for position, units in sorted(wish.items.items()):
        promise_units(line_id=lines[position].pk, units=units)
    ReturnLine.objects.bulk_create(
        ReturnLine(
            request=request,
            order_line=lines[position],
            quantity=units,
            wanted_id=wanted.get(position),
        )
        for position, units in sorted(wish.items.items())
    )
    note_move(
        request,
        from_state="",
        to_state=_State.REQUESTED,
        actor=actor,
        note="",
        now=now,
    )
    return request


def refuse_return(order: Order, *, now: datetime) -> None:
    """Refuse a return of an order that is not standing, or delivered too long ago."""
    if order.state not in STANDING:
        raise OrderNotRefundable
    refuse_waiting(order)
    ends_at = return_deadline(order.delivered_at)
    if ends_at is not None and ends_at <= now:
        raise ReturnTooLate


def wanted_variants(wish: Wish) -> dict[int, int]:
    """Return position -> SKU that is wanted instead; nothing unless exchanged.

    Raises:
        UnknownVariant: an exchange for nothing that is sold.
    """
    if wish.kind != _Kind.EXCHANGE:
        return {}
    skus = dict(wish.wanted or {})
    sold = Variant.objects.filter(
        sku__in=set(skus.values()),
        is_active=True,
        product__is_listed=True,
        product__kind=Product.Kind.GOODS,
    )
    known = dict(sold.values_list("sku", "pk"))
    if set(skus) != set(wish.items) or not set(skus.values()) <= set(known):
        raise UnknownVariant
    return {position: known[sku] for position, sku in skus.items()}


def promise_units(*, line_id: int, units: int) -> None:
    """Reserve units of a line for a return, or refuse: a conditional write.

    Raises:
        NothingToRefund: fewer are left that nobody else asked back.
    """
    free = OrderLine.objects.filter(
        pk=line_id,
        quantity__gte=F("refunded_quantity") + F("returning_quantity") + units,
    )
    if units < 1 or not free.update(returning_quantity=F("returning_quantity") + units):
        raise NothingToRefund


def free_units(request: ReturnRequest) -> None:
    """Let the promised units of a return go; its order is locked."""
    for line in request.lines.all():
        OrderLine.objects.filter(pk=line.order_line_id).update(
            returning_quantity=F("returning_quantity") - line.quantity
        )


# --- Answers ------------------------------------------------------------------


@transaction.atomic
def approve_return(
    *, return_id: int, actor: Any, note: str = "", now: datetime
) -> ReturnRequest:
    """Agree to a return. An exchange reserves what is wanted instead (R15).

    Raises:
        OutOfStock: what is wanted instead is sold out.
        ReturnMoveRefused: it was answered before.
    """
    request = lock_return(return_id=return_id)
    refuse_move(request, to_state=_State.APPROVED)
    if request.kind == _Kind.EXCHANGE:
        reserve_stock(wanted_units(request), order_id=request.order_id, now=now)
    return move_return(
        request, to_state=_State.APPROVED, actor=actor, note=note, now=now
    )


@transaction.atomic
def refuse_request(
    *, return_id: int, actor: Any, note: str, now: datetime
) -> ReturnRequest:
    """Refuse a return, at once or after inspection, for a reason the member reads.

    Raises:
        ReasonNeeded: no reason was given (R16).
        ReturnMoveRefused: it can no longer be refused.
    """
    if len(note.strip()) < 3:
        raise ReasonNeeded
    request = lock_return(return_id=return_id)
    refuse_move(request, to_state=_State.REFUSED)
    return _give_up(request, _State.REFUSED, actor=actor, note=note, now=now)


@transaction.atomic
def cancel_return(*, return_id: int, actor: Any, now: datetime) -> ReturnRequest:
    """Take a return back before anything is sent; again is harmless.

    Raises:
        ReturnMoveRefused: goods are on their way, or it is closed.
    """
    request = lock_return(return_id=return_id)
    if request.state == _State.CANCELLED:
        return request
    refuse_move(request, to_state=_State.CANCELLED)
    return _give_up(request, _State.CANCELLED, actor=actor, note="", now=now)


@transaction.atomic
def send_back(
    *,
    return_id: int,
    carrier: str,
    tracking_number: str,
    actor: Any,
    now: datetime,
) -> ReturnRequest:
    """Write down that goods were sent back, and with whom.

    Raises:
        ReturnMoveRefused: nobody agreed to it, or nothing is to be sent.
    """
    request = lock_return(return_id=return_id)
    sent = (carrier, tracking_number)
    if request.state == _State.IN_TRANSIT:
        if (request.carrier, request.tracking_number) == sent:
            return request
        raise ReturnMoveRefused
    request.carrier, request.tracking_number = sent
    return move_return(
        request, to_state=_State.IN_TRANSIT, actor=actor, note="", now=now
    )


@transaction.atomic
def receive_return(
    *, return_id: int, actor: Any, note: str = "", now: datetime
) -> ReturnRequest:
    """Write down that goods arrived.

    Raises:
        ReturnMoveRefused: it does not wait for goods.
    """
    return move_return(
        lock_return(return_id=return_id),
        to_state=_State.RECEIVED,
        actor=actor,
        note=note,
        now=now,
    )


def lock_return(*, return_id: int) -> ReturnRequest:
    """Lock the stock a return may move, its orders, then the return itself."""
    found = ReturnRequest.objects.get(pk=return_id)
    lock_stock(stock_of_return(found))
    lock_orders(order_id=found.order_id)
    return ReturnRequest.objects.select_for_update(no_key=True).get(pk=return_id)


def refuse_move(request: ReturnRequest, *, to_state: str) -> None:
    """Refuse what ``orders.rules.returns`` does not know.

    A return whose exchange waits for the difference can only be exchanged.
    """
    sent_back = request.kind != _Kind.REFUND_ONLY
    if request.awaits_difference and to_state != _State.EXCHANGED:
        raise ReturnMoveRefused
    if not may_move(request.state, to_state, is_sent_back=sent_back):
        raise ReturnMoveRefused


def _give_up(
    request: ReturnRequest, to_state: str, *, actor: Any, note: str, now: datetime
) -> ReturnRequest:
    free_units(request)
    if request.kind == _Kind.EXCHANGE and request.state != _State.REQUESTED:
        release_stock(wanted_units(request), order_id=request.order_id, now=now)
    return move_return(
        request, to_state=to_state, actor=actor, note=note, now=now, closed_at=now
    )


def move_return(
    request: ReturnRequest,
    *,
    to_state: str,
    actor: Any,
    note: str,
    now: datetime,
    **changes: Any,
) -> ReturnRequest:
    """Move a locked return and write down who did it.

    Args:
        changes: other fields of the return to set with the state.

    Raises:
        ReturnMoveRefused: ``orders.rules.returns`` does not know this move.
    """
    refuse_move(request, to_state=to_state)
    from_state, request.state = request.state, to_state
    for name, value in changes.items():
        setattr(request, name, value)
    request.save()
    note_move(
        request,
        from_state=from_state,
        to_state=to_state,
        actor=actor,
        note=note,
        now=now,
    )
    return request


def note_move(
    request: ReturnRequest,
    *,
    from_state: str,
    to_state: str,
    actor: Any,
    note: str,
    now: datetime,
) -> None:
    """Write down what became of a return, and who did it; publish ``ReturnMoved``."""
    ReturnEvent.objects.create(
        request=request,
        from_state=from_state,
        to_state=to_state,
        actor=actor_name(actor),
        note=note[:200],
        occurred_at=now,
    )
    record_audit(
        actor=actor,
        action=f"orders.return_{to_state}",
        obj=request,
        now=now,
    )
    record(ReturnMoved(return_id=request.pk, order_id=request.order_id))
