"""Sending other goods for what came back, at once or when the difference is paid.

While a difference is open the return stays *inspected* and names the refund that holds
its value. Paid, it is *exchanged*; given up, it is a return for money like any other.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from crm.shared.audit import record_audit
from orders.models import Order, OrderLine, Refund, ReturnLine, ReturnRequest
from orders.rules.exchanges import ExchangeQuote
from orders.services.exchanging import Swap, exchange_units, quote_exchange
from orders.services.refunding import complete_refund, count_refund, lock_orders
from orders.services.return_requests import (
    ReturnMoveRefused,
    Wish,
    lock_return,
    move_return,
    note_move,
    refuse_move,
    refuse_return,
    wanted_variants,
)
from orders.services.stocking import release_stock

_State = ReturnRequest.State
_Kind = ReturnRequest.Kind
#: Who the history names when an order was paid, or not in time.
PAYMENT_ACTOR = "payment"


def quote_wished_exchange(
    *, order_id: int, wish: Wish, now: datetime
) -> ExchangeQuote | None:
    """Say what an exchange would cost before it is asked for; None for other wishes.

    Raises:
        OrderNotRefundable, ReturnTooLate, NothingToRefund, UnknownVariant: as they say.
    """
    if wish.kind != _Kind.EXCHANGE:
        return None
    order = Order.objects.get(pk=order_id)
    refuse_return(order, now=now)
    wanted = wanted_variants(wish)
    swaps = [Swap(at, wish.items[at], pk) for at, pk in sorted(wanted.items())]
    return quote_exchange(order, swaps=swaps, now=now)


def quote_exchange_of_return(*, return_id: int, now: datetime) -> ExchangeQuote:
    """Say what exchanging a return costs or gives back. Writes nothing.

    Raises:
        OrderNotRefundable, NothingToRefund: as they say.
    """
    request = ReturnRequest.objects.select_related("order").get(pk=return_id)
    return quote_exchange(
        request.order, swaps=_swaps(request), return_id=return_id, now=now
    )


@transaction.atomic
def exchange_return(
    *,
    return_id: int,
    reason: str,
    actor: Any,
    expected_hash: str = "",
    most_minor: int | None = None,
    now: datetime,
) -> Order:
    """Put aside what is wanted instead for the units that were accepted (R13, R14).

    It is sent when it is paid, which is now unless a difference is due. Calling again
    returns the first order.

    Args:
        expected_hash, most_minor: see ``exchange_units``.

    Raises:
        ReturnMoveRefused: it was not inspected, or no exchange was asked for.
        StaleExchangeQuote, RefundAboveLimit, OrderNotRefundable, NothingToRefund: as
            they say.
    """
    request = lock_return(return_id=return_id)
    if request.kind != _Kind.EXCHANGE:
        raise ReturnMoveRefused
    if request.state == _State.EXCHANGED or request.awaits_difference:
        return request.refund.replaced_by
    refuse_move(request, to_state=_State.EXCHANGED)
    _release_rest(request, now)
    _promise(request, lambda line: -_accepted(line))
    order = exchange_units(
        order_id=request.order_id,
        swaps=_swaps(request),
        reason=reason,
        actor=actor,
        request_key=f"exchange:{request.public_id}",
        is_reserved=True,
        expected_hash=expected_hash,
        most_minor=most_minor,
        now=now,
    )
    request.refund = order.paid_with
    if order.state == Order.State.PENDING:
        request.save(update_fields=["refund"])
    else:
        _close(request, actor=actor, note=reason, now=now)
    return order


@transaction.atomic
def complete_exchange(*, order_id: int, now: datetime) -> bool:
    """Close the exchange that an order is for, now that it is paid.

    Returns:
        Whether this call did it; other orders, and closed exchanges, are left alone.
    """
    refund = Refund.objects.filter(replaced_by_id=order_id).first()
    if refund is None:
        return False
    request = _lock_return_of(refund)
    if not complete_refund(refund_id=refund.pk, now=now):
        return False
    if request is not None and request.awaits_difference:
        _close(request, actor=PAYMENT_ACTOR, note="", now=now)
    return True


@transaction.atomic
def lapse_exchange(*, order_id: int, now: datetime) -> bool:
    """Undo the exchange of an order that was cancelled before it was paid.

    The old units are the order's again. Of a return they are those that came back:
    money is what can be given for them.

    Returns:
        Whether this call did it; other orders, and closed exchanges, are left alone.
    """
    found = Refund.objects.filter(
        replaced_by_id=order_id, replaced_by__state=Order.State.CANCELLED
    ).first()
    if found is None:
        return False
    request = _lock_return_of(found)
    given_up = Refund.objects.filter(pk=found.pk, state=Refund.State.REQUESTED)
    if not given_up.update(state=Refund.State.FAILED):
        return False
    count_refund(found, sign=-1)
    if request is not None:
        _promise(request, _accepted)
        request.kind, request.refund = _Kind.RETURN, None
        request.save(update_fields=["kind", "refund"])
        note_move(
            request,
            from_state=request.state,
            to_state=request.state,
            actor=PAYMENT_ACTOR,
            note="",
            now=now,
        )
    record_audit(
        actor=PAYMENT_ACTOR, action="orders.exchange_lapsed", obj=found.order, now=now
    )
    return True


def _lock_return_of(refund: Refund) -> ReturnRequest | None:
    """Lock the orders of an exchange, and the return it is for, if any."""
    found = ReturnRequest.objects.filter(refund=refund).first()
    if found is not None:
        return lock_return(return_id=found.pk)
    lock_orders(order_id=refund.order_id)
    return None


def _close(request: ReturnRequest, *, actor: Any, note: str, now: datetime) -> None:
    _promise(request, lambda line: -_rest(line))
    move_return(
        request,
        to_state=_State.EXCHANGED,
        actor=actor,
        note=note,
        now=now,
        closed_at=now,
    )


def _swaps(request: ReturnRequest) -> list[Swap]:
    """Return what is exchanged: what inspection took, or all before it."""
    return [
        Swap(line.order_line.position, units, line.wanted_id)
        for line in request.lines.select_related("order_line").order_by("id")
        if (units := _accepted(line))
    ]


def _accepted(line: ReturnLine) -> int:
    seen = line.inspected_quantity
    return line.quantity if seen is None else seen


def _rest(line: ReturnLine) -> int:
    return line.quantity - _accepted(line)


def _promise(request: ReturnRequest, units: Callable[[ReturnLine], int]) -> None:
    """Promise units of each line to a return, or free them; its order is locked."""
    for line in request.lines.all():
        OrderLine.objects.filter(pk=line.order_line_id).update(
            returning_quantity=F("returning_quantity") + units(line)
        )


def _release_rest(request: ReturnRequest, now: datetime) -> None:
    """Free what was put aside for units that were not accepted."""
    rest: dict[int, int] = {}
    for line in request.lines.all():
        if _rest(line):
            rest[line.wanted_id] = rest.get(line.wanted_id, 0) + _rest(line)
    if rest:
        release_stock(rest, order_id=request.order_id, now=now)
