"""Giving money back for units of an order.

A refund is *requested* in one transaction, which reserves its units and its money so
that nothing is given twice (R3). Each payment gets its part back on its own (R4); the
refund is *completed* when all have. Points are clawed back on completion (R10).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.hints import hint_on_commit
from crm.shared.outbox import record
from orders.events import OrderRefunded, RefundCompleted
from orders.models import (
    Order,
    OrderLine,
    Payment,
    Refund,
    RefundDeduction,
    RefundLine,
    RefundTender,
)
from orders.models.order import EXCHANGE
from orders.queries.refunds import line_of, root_of
from orders.rules.refunds import RefundQuote, TenderRefund
from orders.services.gift_cards import void_gift_cards
from orders.services.moving import actor_name, lock_order, move_order
from orders.services.refund_preview import (
    AS_USUAL,
    NothingToRefund,
    OrderNotRefundable,
    RefundPolicy,
    quote_for,
    quote_refund,
)
from orders.services.stocking import lock_stock, return_stock

__all__ = [
    "NothingToRefund",
    "OrderNotRefundable",
    "RefundAboveLimit",
    "RefundKeyReused",
    "RefundPolicy",
    "RefundUnderWay",
    "StaleRefundQuote",
    "complete_refund",
    "quote_refund",
    "refund_order",
]

SEND_TASK = "orders.tasks.send_refunds"


class StaleRefundQuote(Refusal):
    """The refund has changed since it was shown. Please look again."""

    code = "refund_quote_changed"
    message = _("The refund has changed since it was shown. Please look again.")

    def __init__(self, quote: RefundQuote):
        """Keep the new quote; the door hands it on."""
        super().__init__()
        self.quote = quote


class RefundAboveLimit(Refusal):
    """So much money back needs somebody with the right to refund without a limit."""

    code = "refund_above_limit"
    status = 403
    message = _(
        "So much money back needs somebody with the right to refund without a limit."
    )


class RefundKeyReused(Refusal):
    """This key names a refund of another order."""

    code = "refund_key_reused"
    status = 422
    message = _("This key names a refund of another order.")


class RefundUnderWay(Refusal):
    """Money of this refund has gone back, or may have."""

    code = "refund_under_way"
    message = _("Money of this refund has gone back, or may have.")


@transaction.atomic
def refund_order(
    *,
    order_id: int,
    items: Mapping[int, int],
    reason: str,
    actor: Any,
    request_key: str,
    freight: bool | None = False,
    policy: RefundPolicy = AS_USUAL,
    expected_hash: str = "",
    most_minor: int | None = None,
    now: datetime,
) -> Refund:
    """Request a refund; the providers are asked right after the commit.

    Calling again with the same ``request_key`` returns the first refund (X1). With
    nothing to pay back (bought with points alone) it is completed at once.

    Args:
        items: position of the line -> units that come back.
        actor: the staff login, or the name of a program.
        request_key: names this request; at most 80 characters.
        freight: give the freight back, too; None is as R5 says.
        expected_hash: version of the quote somebody agreed to; none is not compared.
        most_minor: what the order may have got back in all, with this refund; None
            is no limit.

    Raises:
        RefundAboveLimit: more than ``most_minor``.
        OrderNotRefundable, NothingToRefund, FreightStays: as they say.
        GiftCardRedeemed: what the line sold has been used.
        RefundKeyReused: ``request_key`` named a refund of another order.
        StaleRefundQuote: the quote is another one now; carries it.
    """
    if policy.restocks:
        lock_stock(_variants(order_id, items))
    order = lock_orders(order_id=order_id)
    done = asked_before(request_key=request_key, order_id=order_id)
    if done:
        return done
    quote = quote_for(order, items=items, freight=freight, policy=policy, now=now)
    _refuse_other(quote, order, expected_hash, most_minor)
    return request_quoted(
        order=order,
        quote=quote,
        request_key=request_key,
        reason=reason,
        policy=policy,
        actor=actor,
        now=now,
    )


def request_quoted(
    *,
    order: Order,
    quote: RefundQuote,
    request_key: str,
    reason: str,
    policy: RefundPolicy = AS_USUAL,
    actor: Any,
    now: datetime,
) -> Refund:
    """Write a refund of a locked order as it was quoted, and have its money sent."""
    refund = Refund(
        order=order,
        request_key=request_key,
        reason=reason[:200],
        actor=actor_name(actor),
        requested_at=now,
    )
    _write(refund, quote, policy)
    _reserve(refund, quote, now)
    void_gift_cards(refund=refund, now=now)
    _audit(refund, actor, reason, now)
    if not complete_refund(refund_id=refund.pk, now=now):
        hint_on_commit(SEND_TASK)
    refund.refresh_from_db()
    return refund


def asked_before(*, request_key: str, order_id: int) -> Refund | None:
    """Return the refund of this order that a key names, if any."""
    done = Refund.objects.filter(request_key=request_key).first()
    if done is not None and done.order_id != order_id:
        raise RefundKeyReused
    return done


def _audit(refund: Refund, actor: Any, reason: str, now: datetime) -> None:
    record_audit(
        actor=actor,
        action="orders.refund",
        obj=refund.order,
        reason=reason,
        detail={"refund": refund.public_id, "amount_minor": refund.amount_minor},
        now=now,
    )


def _refuse_other(
    quote: RefundQuote, order: Order, expected_hash: str, most_minor: int | None
) -> None:
    """Refuse what is not what was shown, or more than may be given back."""
    if expected_hash and expected_hash != quote.hash:
        raise StaleRefundQuote(quote)
    total = order.refunded_minor + quote.amount_minor
    if most_minor is not None and total > most_minor:
        raise RefundAboveLimit


def lock_orders(*, order_id: int) -> Order:
    """Lock an order and the one its money came from, older first; return the former.

    Refunds of an order and of what replaced its units draw on the same payments.
    """
    root = root_of(Order.objects.select_related("exchange_of").get(pk=order_id))
    if root.pk != order_id:
        lock_order(order_id=root.pk)
    return lock_order(order_id=order_id)


def lock_refund(refund: Refund) -> Order:
    """Lock what closing a refund may change: stock first, then the orders."""
    if refund.restocks:
        lock_stock(_units_of(refund))
    return lock_orders(order_id=refund.order_id)


def _variants(order_id: int, items: Mapping[int, int]) -> set[int]:
    """Return the SKUs of chosen lines, and of gifts that may come back with them."""
    lines = OrderLine.objects.filter(
        Q(position__in=list(items)) | Q(gift_of__isnull=False), order_id=order_id
    )
    return set(lines.values_list("variant_id", flat=True))


def _write(refund: Refund, quote: RefundQuote, policy: RefundPolicy) -> None:
    """Write a refund with the sums and the version of its quote."""
    refund.amount_minor = quote.amount_minor
    refund.freight_minor = quote.freight_minor
    refund.deducted_minor = quote.deducted_minor
    refund.points_returned = quote.points
    refund.freight_points = quote.freight_points
    refund.points_kept = quote.points_kept
    refund.points_deducted = quote.points_deducted
    refund.shortfall = policy.shortfall
    refund.restocks = policy.restocks
    refund.reason_code = policy.reason_code
    refund.quote_hash = quote.hash
    refund.save()


def _reserve(refund: Refund, quote: RefundQuote, now: datetime) -> None:
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
    RefundDeduction.objects.bulk_create(
        RefundDeduction(refund=refund, kind=part.kind, amount_minor=part.amount_minor)
        for part in quote.deductions
    )
    RefundTender.objects.bulk_create(tenders_for(refund, parts=quote.tenders, now=now))
    count_refund(refund, sign=1)


def tenders_for(
    refund: Refund, *, parts: Iterable[TenderRefund], now: datetime
) -> Iterable[RefundTender]:
    """Yield the parts of a refund as its rows, each with the key it is asked with."""
    for number, part in enumerate(parts, start=1):
        yield RefundTender(
            refund=refund,
            payment_id=part.payment_id,
            # Short enough for every gateway, and readable in its back office.
            key=refund.public_id if number == 1 else f"{refund.public_id}-{number}",
            amount_minor=part.amount_minor,
            due_at=now,
        )


def count_refund(refund: Refund, *, sign: int) -> None:
    """Add a refund to what its lines, its order and its payments gave, or take it off.

    For locked orders, in the transaction that writes the refund.
    """
    for part in refund.lines.all():
        OrderLine.objects.filter(pk=part.order_line_id).update(
            refunded_quantity=F("refunded_quantity") + sign * part.quantity,
            refunded_minor=F("refunded_minor") + sign * part.amount_minor,
        )
    Order.objects.filter(pk=refund.order_id).update(
        refunded_minor=F("refunded_minor") + sign * refund.amount_minor
    )
    tenders = list(refund.tenders.select_related("payment").order_by("payment_id"))
    for tender in tenders:
        Payment.objects.filter(pk=tender.payment_id).update(
            refunded_minor=F("refunded_minor") + sign * tender.amount_minor
        )
    _count_passed_on(refund, tenders, sign=sign)


def _count_passed_on(
    refund: Refund, tenders: Sequence[RefundTender], *, sign: int
) -> None:
    """Count what went through exchanges to the payments of earlier orders."""
    for order in line_of(refund.order):
        tenders = [each for each in tenders if each.payment.order_id != order.pk]
        passed_on = sum(each.amount_minor for each in tenders)
        if passed_on:
            order.payments.filter(provider=EXCHANGE).update(
                refunded_minor=F("refunded_minor") + sign * passed_on
            )


@transaction.atomic
def complete_refund(*, refund_id: int, now: datetime) -> bool:
    """Close a refund whose money is all back and publish ``RefundCompleted``.

    Units that go back on the shelf do so now. When no unit is left and no other refund
    is open, the order is fully refunded. An exchange for dearer goods waits until the
    difference is paid.

    Returns:
        Whether this call did it; a closed refund, or one whose money is not all back,
        is left alone.
    """
    refund = Refund.objects.get(pk=refund_id)
    order = lock_refund(refund)
    unpaid = refund.tenders.exclude(state=RefundTender.State.DONE)
    if unpaid.exists() or _awaits_difference(refund):
        return False
    closed = Refund.objects.filter(pk=refund_id, state=Refund.State.REQUESTED).update(
        state=Refund.State.COMPLETED, completed_at=now
    )
    if not closed:
        return False
    if refund.restocks and order.is_ours:
        return_stock(_units_of(refund), order_id=order.pk, now=now)
    close_order_if_empty(order, refund=refund, now=now)
    record(RefundCompleted(refund_id=refund_id, order_id=order.pk))
    return True


def _awaits_difference(refund: Refund) -> bool:
    return Order.objects.filter(
        paid_with=refund, state__in=[Order.State.PENDING, Order.State.CANCELLED]
    ).exists()


def close_order_if_empty(order: Order, *, refund: Refund, now: datetime) -> None:
    """Move a locked order to *refunded* when nothing of it is left or under way.

    Publishes OrderRefunded: it may have become empty without a refund's completion.
    """
    units_left = order.lines.filter(refunded_quantity__lt=F("quantity"))
    others = order.refunds.filter(state=Refund.State.REQUESTED)
    if units_left.exists() or others.exists():
        return
    move_order(
        order=order,
        to_state=Order.State.REFUNDED,
        actor=refund.actor,
        reason=refund.reason,
        now=now,
        closed_at=now,
    )
    record(OrderRefunded(order_id=order.pk))


def _units_of(refund: Refund) -> dict[int, int]:
    units: dict[int, int] = {}
    lines = refund.lines.values_list("order_line__variant_id", "quantity")
    for variant_id, quantity in lines:
        units[variant_id] = units.get(variant_id, 0) + quantity
    return units
