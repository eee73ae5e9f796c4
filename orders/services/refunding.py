"""Giving money back for units of an order.

A refund is *requested* in one transaction, which reserves its units and its money so
that nothing is given twice (R3), and *completed* when the provider has paid. Points
are clawed back on completion (R10).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Sum
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.hints import hint_on_commit
from crm.shared.outbox import record
from orders.events import RefundCompleted
from orders.models import Order, OrderLine, Payment, Refund, RefundLine
from orders.rules.lifecycle import STANDING
from orders.rules.refunds import (
    PaidLine,
    RefundQuote,
    TooManyUnits,
    UnknownPosition,
    refund_quote,
)
from orders.services.gift_cards import restore_gift_cards, void_gift_cards
from orders.services.moving import actor_name, lock_order, move_order

SEND_TASK = "orders.tasks.send_refunds"


class OrderNotRefundable(Refusal):
    """This order was not paid, or has been refunded completely."""

    code = "order_not_refundable"
    message = _("This order was not paid, or has been refunded completely.")


class NothingToRefund(Refusal):
    """These units are not there to be refunded."""

    code = "nothing_to_refund"
    message = _("These units are not there to be refunded.")


def quote_refund(
    *, order_id: int, items: Mapping[int, int], freight: bool = False
) -> RefundQuote:
    """Say what a refund would give back. Writes nothing.

    Args:
        items: position of the line -> units that come back.
        freight: give the freight back, too (R5).

    Raises:
        OrderNotRefundable, NothingToRefund: as they say.
    """
    return _quote(Order.objects.get(pk=order_id), items, freight)


@transaction.atomic
def refund_order(
    *,
    order_id: int,
    items: Mapping[int, int],
    reason: str,
    actor: Any,
    request_key: str,
    freight: bool = False,
    now: datetime,
) -> Refund:
    """Request a refund; the provider is asked right after the commit.

    Calling again with the same ``request_key`` returns the first refund (X1). With
    nothing to pay back (bought with points alone) it is completed at once.

    Args:
        items: position of the line -> units that come back.
        actor: the staff login, or the name of a program.
        request_key: names this request; at most 80 characters.

    Raises:
        OrderNotRefundable, NothingToRefund, GiftCardRedeemed: as they say.
    """
    order = lock_order(order_id=order_id)
    done = Refund.objects.filter(request_key=request_key).first()
    if done:
        return done
    quote = _quote(order, items, freight)
    payment = order.payments.filter(state=Payment.State.CAPTURED).first()
    refund = Refund.objects.create(
        order=order,
        payment=payment,
        request_key=request_key,
        amount_minor=quote.amount_minor,
        freight_minor=quote.freight_minor,
        points_returned=quote.points,
        reason=reason[:200],
        actor=actor_name(actor),
        requested_at=now,
        due_at=now,
    )
    _reserve(refund, quote)
    void_gift_cards(refund=refund, now=now)
    record_audit(
        actor=actor,
        action="orders.refund",
        obj=order,
        reason=reason,
        detail={"refund": refund.public_id, "amount_minor": refund.amount_minor},
        now=now,
    )
    if payment is None or refund.amount_minor == 0:
        complete_refund(refund_id=refund.pk, now=now)
        refund.refresh_from_db()
    else:
        hint_on_commit(SEND_TASK)
    return refund


def _quote(order: Order, items: Mapping[int, int], freight: bool) -> RefundQuote:
    if order.state not in STANDING:
        raise OrderNotRefundable
    try:
        quote = refund_quote(
            _paid_lines(order),
            items,
            freight_left_minor=_freight_left(order) if freight else 0,
        )
    except (UnknownPosition, TooManyUnits) as error:
        raise NothingToRefund from error
    if not quote.lines and not quote.freight_minor:
        raise NothingToRefund
    return quote


def _paid_lines(order: Order) -> list[PaidLine]:
    lines = order.lines.annotate(points=Sum("allocations__points")).order_by("position")
    returned = dict(
        RefundLine.objects.filter(refund__order=order)
        .exclude(refund__state=Refund.State.FAILED)
        .values_list("order_line_id")
        .annotate(Sum("points"))
    )
    return [
        PaidLine(
            position=line.position,
            quantity=line.quantity,
            net_minor=line.net_minor,
            refunded_quantity=line.refunded_quantity,
            refunded_minor=line.refunded_minor,
            points=line.points or 0,
            points_returned=returned.get(line.pk, 0),
        )
        for line in lines
    ]


def _freight_left(order: Order) -> int:
    given = order.refunds.exclude(state=Refund.State.FAILED).aggregate(
        total=Sum("freight_minor")
    )
    return max(0, order.freight_minor - (given["total"] or 0))


def _reserve(refund: Refund, quote: RefundQuote) -> None:
    """Count units and money as given; CHECK constraints refuse the impossible."""
    ids = dict(
        OrderLine.objects.filter(
            order_id=refund.order_id, position__in=[p.position for p in quote.lines]
        ).values_list("position", "pk")
    )
    RefundLine.objects.bulk_create(
        RefundLine(
            refund=refund,
            order_line_id=ids[part.position],
            quantity=part.quantity,
            amount_minor=part.amount_minor,
            points=part.points,
        )
        for part in quote.lines
    )
    _count(refund, sign=1)


def _count(refund: Refund, *, sign: int) -> None:
    for part in refund.lines.all():
        OrderLine.objects.filter(pk=part.order_line_id).update(
            refunded_quantity=F("refunded_quantity") + sign * part.quantity,
            refunded_minor=F("refunded_minor") + sign * part.amount_minor,
        )
    amount = sign * refund.amount_minor
    Order.objects.filter(pk=refund.order_id).update(
        refunded_minor=F("refunded_minor") + amount
    )
    if refund.payment_id:
        Payment.objects.filter(pk=refund.payment_id).update(
            refunded_minor=F("refunded_minor") + amount
        )


@transaction.atomic
def complete_refund(*, refund_id: int, now: datetime) -> bool:
    """Close a refund whose money went back and publish ``RefundCompleted``.

    When no unit is left and no other refund is open, the order is fully refunded.

    Returns:
        Whether this call did it; a closed refund is left alone.
    """
    refund = Refund.objects.select_related("order").get(pk=refund_id)
    order = lock_order(order_id=refund.order_id)
    closed = Refund.objects.filter(pk=refund_id, state=Refund.State.REQUESTED).update(
        state=Refund.State.COMPLETED, completed_at=now, due_at=None
    )
    if not closed:
        return False
    units_left = order.lines.filter(refunded_quantity__lt=F("quantity"))
    others = order.refunds.filter(state=Refund.State.REQUESTED)
    if not units_left.exists() and not others.exists():
        move_order(
            order=order,
            to_state=Order.State.REFUNDED,
            actor=refund.actor,
            reason=refund.reason,
            now=now,
            closed_at=now,
        )
    record(RefundCompleted(refund_id=refund_id, order_id=order.pk))
    return True


@transaction.atomic
def fail_refund(*, refund_id: int, now: datetime) -> bool:
    """Close a refund the provider refuses; its units and money can be refunded again.

    Returns:
        Whether this call did it.
    """
    refund = Refund.objects.get(pk=refund_id)
    lock_order(order_id=refund.order_id)
    closed = Refund.objects.filter(pk=refund_id, state=Refund.State.REQUESTED).update(
        state=Refund.State.FAILED, due_at=None
    )
    if closed:
        _count(refund, sign=-1)
        restore_gift_cards(refund=refund)
        record_audit(
            actor="orders.refunds", action="orders.refund_failed", obj=refund, now=now
        )
    return bool(closed)
