"""Even exchanges: new units take over what the old ones were worth (R13).

No money and no points move. The old units are given back by a refund of the kind
*exchange* whose value pays the order that replaces them; a later return of that order
draws on the payments, the points and the lots of the first one. Uneven exchanges
(R14) are refused: a return and a new order do the same, exactly.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.outbox import record
from orders.events import RefundCompleted
from orders.models import (
    Allocation,
    AppliedOffer,
    Order,
    OrderAddress,
    OrderEvent,
    OrderLine,
    Payment,
    Refund,
    RefundLine,
    Variant,
)
from orders.queries.refunds import deducted_before, paid_lines
from orders.rules.exchanges import Taken, TakenOver, is_even, taken_over
from orders.rules.lifecycle import STANDING
from orders.rules.refunds import (
    DeductionKind,
    LineRefund,
    TooManyUnits,
    UnknownPosition,
    refund_quote,
)
from orders.services.moving import actor_name, refuse_waiting
from orders.services.numbering import new_order_number
from orders.services.payment import settle_paid
from orders.services.refund_preview import NothingToRefund, OrderNotRefundable
from orders.services.refunding import close_order_if_empty, count_refund, lock_orders
from orders.services.stocking import lock_stock, reserve_stock
from orders.services.writing_orders import write_address

#: Source of orders that replace units, and provider of what pays them.
EXCHANGE = "exchange"


class UnevenExchange(Refusal):
    """These articles do not cost the same: take a return and a new order."""

    code = "exchange_not_even"
    status = 422
    message = _(
        "These articles do not cost the same: take a return and a new order instead."
    )


@dataclass(frozen=True, slots=True)
class Swap:
    """``units`` of the line at ``position`` become units of another SKU."""

    position: int
    units: int
    variant_id: int


@dataclass(frozen=True, slots=True)
class _Part:
    """One swap with its rows and what it carries over."""

    swap: Swap
    line: OrderLine
    back: LineRefund
    variant: Variant
    over: TakenOver


@transaction.atomic
def exchange_units(
    *,
    order_id: int,
    swaps: Sequence[Swap],
    reason: str,
    actor: Any,
    request_key: str,
    is_reserved: bool = False,
    return_id: int | None = None,
    now: datetime,
) -> Order:
    """Replace units of an order by others of the same price; return the new order.

    Calling again with the same ``request_key`` returns the first one (X1).

    Args:
        swaps: at most one per position.
        is_reserved: the new units were reserved before (R15).
        return_id: the return that is settled; its units are not promised elsewhere.

    Raises:
        OrderNotRefundable, NothingToRefund: as they say.
        UnevenExchange: an article of another price, or the price fell afterwards.
        OutOfStock: too few units are left.
    """
    wanted = _wanted_units(swaps)
    lock_stock(wanted)
    order = lock_orders(order_id=order_id)
    done = Refund.objects.filter(request_key=request_key).first()
    if done:
        return Order.objects.get(payments__provider_ref=done.public_id)
    parts = _parts(order, swaps, return_id)
    if not is_reserved:
        reserve_stock(wanted, order_id=order.pk, now=now)
    refund = _give_value(
        order, parts, reason=reason, actor=actor, request_key=request_key, now=now
    )
    new = _write_order(order, parts, refund, actor, now)
    close_order_if_empty(order, refund=refund, now=now)
    record(RefundCompleted(refund_id=refund.pk, order_id=order.pk))
    record_audit(
        actor=actor,
        action="orders.exchange",
        obj=order,
        reason=reason,
        detail={"new": new.public_id, "value_minor": refund.amount_minor},
        now=now,
    )
    return new


def _wanted_units(swaps: Sequence[Swap]) -> dict[int, int]:
    units: dict[int, int] = defaultdict(int)
    for swap in swaps:
        units[swap.variant_id] += swap.units
    return dict(units)


def _parts(order: Order, swaps: Sequence[Swap], return_id: int | None) -> list[_Part]:
    if order.state not in STANDING:
        raise OrderNotRefundable
    refuse_waiting(order)
    if deducted_before(order).get(DeductionKind.OVERPAID):
        # Less was paid for the units in the end than their lines say.
        raise UnevenExchange
    items = {swap.position: swap.units for swap in swaps}
    try:
        quote = refund_quote(paid_lines(order, return_id=return_id), items)
    except (UnknownPosition, TooManyUnits) as error:
        raise NothingToRefund from error
    if not quote.lines or len(items) != len(swaps):
        raise NothingToRefund
    back = {part.position: part for part in quote.lines}
    lines = {
        line.position: line
        for line in order.lines.filter(position__in=list(items))
        .select_related("variant")
        .prefetch_related("allocations")
    }
    variants = Variant.objects.select_related("product").in_bulk(
        [swap.variant_id for swap in swaps]
    )
    return [_part(swap, lines, back, variants) for swap in swaps]


def _part(
    swap: Swap,
    lines: Mapping[int, OrderLine],
    back: Mapping[int, LineRefund],
    variants: Mapping[int, Variant],
) -> _Part:
    line, variant = lines[swap.position], variants[swap.variant_id]
    then = [line.unit_price_minor]
    if line.list_price_minor is not None:
        then.append(line.list_price_minor)
    if not is_even(
        then_minor=then,
        old_now_minor=line.variant.price_minor,
        new_now_minor=variant.price_minor,
    ):
        raise UnevenExchange
    given = back[swap.position]
    over = taken_over(
        units=swap.units,
        unit_price_minor=line.unit_price_minor,
        amount_minor=given.amount_minor,
        points=given.points,
        reductions=[
            Taken(each.amount_minor, each.points) for each in _allocations(line)
        ],
    )
    return _Part(swap, line, given, variant, over)


def _allocations(line: OrderLine) -> list[Allocation]:
    return sorted(line.allocations.all(), key=lambda each: each.pk)


def _give_value(
    order: Order,
    parts: Sequence[_Part],
    *,
    reason: str,
    actor: Any,
    request_key: str,
    now: datetime,
) -> Refund:
    """Give the old units back for their value, which pays the new ones."""
    refund = Refund.objects.create(
        kind=Refund.Kind.EXCHANGE,
        order=order,
        state=Refund.State.COMPLETED,
        request_key=request_key,
        amount_minor=sum(part.over.net_minor for part in parts),
        reason=reason[:200],
        actor=actor_name(actor),
        requested_at=now,
        completed_at=now,
    )
    RefundLine.objects.bulk_create(
        RefundLine(
            refund=refund,
            order_line=part.line,
            quantity=part.swap.units,
            amount_minor=part.back.amount_minor,
            points=part.over.points,
        )
        for part in parts
    )
    count_refund(refund, sign=1)
    order.refresh_from_db(fields=["refunded_minor"])
    return refund


def _write_order(
    order: Order, parts: Sequence[_Part], refund: Refund, actor: Any, now: datetime
) -> Order:
    goods = sum(part.line.unit_price_minor * part.swap.units for part in parts)
    new = Order.objects.create(
        number=new_order_number(now=now),
        member_id=order.member_id,
        channel_id=order.channel_id,
        source=EXCHANGE,
        region=order.region,
        campaign=order.campaign,
        device=order.device,
        exchange_of=order,
        currency=order.currency,
        goods_minor=goods,
        discount_minor=goods - refund.amount_minor,
        total_minor=refund.amount_minor,
        is_protected=order.is_protected,
        placed_at=now,
    )
    OrderEvent.objects.create(
        order=new, to_state=new.state, actor=actor_name(actor), occurred_at=now
    )
    _write_lines(new, parts)
    write_address(order=new, kept=OrderAddress.objects.filter(order=order).first())
    Payment.objects.create(
        order=new,
        provider=EXCHANGE,
        provider_ref=refund.public_id,
        amount_minor=refund.amount_minor,
        state=Payment.State.CAPTURED,
        created_at=now,
        captured_at=now,
    )
    settle_paid(order=new, paid_minor=refund.amount_minor, actor=actor, now=now)
    return new


def _write_lines(new: Order, parts: Sequence[_Part]) -> None:
    lines = OrderLine.objects.bulk_create(
        OrderLine(
            order=new,
            position=position,
            variant=part.variant,
            sku=part.variant.sku,
            name=f"{part.variant.product.label} {part.variant.option}".strip(),
            kind=part.line.kind,
            quantity=part.swap.units,
            list_price_minor=part.line.list_price_minor,
            unit_price_minor=part.line.unit_price_minor,
            price_kind=part.line.price_kind,
            cost_minor=part.variant.cost_minor,
            gross_minor=part.line.unit_price_minor * part.swap.units,
            discount_minor=part.over.discount_minor,
            net_minor=part.over.net_minor,
            replaces=part.line,
        )
        for position, part in enumerate(parts, start=1)
    )
    allocations = [
        Allocation(
            line=line,
            source_kind=before.source_kind,
            source_id=before.source_id,
            source_name=before.source_name,
            amount_minor=share.amount_minor,
            points=share.points,
        )
        for line, part in zip(lines, parts, strict=True)
        for before, share in zip(_allocations(part.line), part.over.shares, strict=True)
        if share.amount_minor
    ]
    Allocation.objects.bulk_create(allocations)
    _write_offers(new, allocations)


def _write_offers(new: Order, allocations: Sequence[Allocation]) -> None:
    """Say which offers lowered the new order; none is ever priced again."""
    before = {
        (offer.source_kind, offer.source_id): offer
        for offer in new.exchange_of.offers.all()
    }
    sums: dict[tuple[str, str], AppliedOffer] = {}
    for each in allocations:
        key = (each.source_kind, each.source_id)
        if key not in before:
            continue
        offer = sums.setdefault(
            key,
            AppliedOffer(
                order=new,
                stage=before[key].stage,
                source_kind=each.source_kind,
                source_id=each.source_id,
                source_name=each.source_name,
                amount_minor=0,
                terms=before[key].terms,
            ),
        )
        offer.amount_minor += each.amount_minor
        offer.points += each.points
    AppliedOffer.objects.bulk_create(sums.values())
