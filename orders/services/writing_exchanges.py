"""Writing down the order that replaces units of another (R13, R14)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from orders.models import (
    Allocation,
    AppliedOffer,
    Order,
    OrderAddress,
    OrderEvent,
    OrderLine,
    Payment,
    Refund,
    Variant,
)
from orders.models.order import EXCHANGE
from orders.rules.exchanges import ExchangeQuote, SwappedUnits
from orders.services.exchange_preview import allocations_of
from orders.services.moving import actor_name
from orders.services.numbering import new_order_number
from orders.services.writing_orders import write_address


def write_exchange(
    order: Order, *, quote: ExchangeQuote, refund: Refund, actor: Any, now: datetime
) -> Order:
    """Write the order that replaces units, as quoted, and what pays it so far.

    It waits for its payment; dearer goods do so until ``EXCHANGE_HOURS`` are over.

    Args:
        order: locked; the units' own.
        refund: gives the old units back; its value is a payment of the new order.
    """
    goods = sum(line.unit_price_minor * line.units for line in quote.lines)
    due_at = now + timedelta(hours=settings.EXCHANGE_HOURS)
    new = Order.objects.create(
        number=new_order_number(now=now),
        member_id=order.member_id,
        channel_id=order.channel_id,
        source=EXCHANGE,
        region=order.region,
        campaign=order.campaign,
        device=order.device,
        audiences=order.audiences,
        exchange_of=order,
        currency=order.currency,
        goods_minor=goods,
        discount_minor=goods - quote.net_minor,
        total_minor=quote.net_minor,
        paid_minor=quote.moved_minor,
        is_protected=order.is_protected,
        placed_at=now,
        payment_due_at=due_at if quote.due_minor else None,
    )
    OrderEvent.objects.create(
        order=new, to_state=new.state, actor=actor_name(actor), occurred_at=now
    )
    _write_lines(new, quote)
    write_address(order=new, kept=OrderAddress.objects.filter(order=order).first())
    Payment.objects.create(
        order=new,
        provider=EXCHANGE,
        provider_ref=refund.public_id,
        amount_minor=quote.moved_minor,
        state=Payment.State.CAPTURED,
        created_at=now,
        captured_at=now,
    )
    return new


def _write_lines(new: Order, quote: ExchangeQuote) -> None:
    old = {
        line.position: line
        for line in new.exchange_of.lines.filter(
            position__in=[line.position for line in quote.lines]
        ).prefetch_related("allocations")
    }
    sold = Variant.objects.select_related("product").filter(
        sku__in=[line.sku for line in quote.lines]
    )
    variants = {variant.sku: variant for variant in sold}
    lines = OrderLine.objects.bulk_create(
        _line(new, at, part, variants[part.sku], old[part.position])
        for at, part in enumerate(quote.lines, start=1)
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
        for line, part in zip(lines, quote.lines, strict=True)
        for before, share in zip(
            allocations_of(old[part.position]), part.over.shares, strict=True
        )
        if share.amount_minor
    ]
    Allocation.objects.bulk_create(allocations)
    _write_offers(new, allocations)


def _line(
    new: Order, position: int, part: SwappedUnits, variant: Variant, old: OrderLine
) -> OrderLine:
    return OrderLine(
        order=new,
        position=position,
        variant=variant,
        sku=variant.sku,
        name=f"{variant.product.label} {variant.option}".strip(),
        kind=old.kind,
        quantity=part.units,
        list_price_minor=part.list_price_minor,
        unit_price_minor=part.unit_price_minor,
        price_kind=part.price_kind,
        cost_minor=variant.cost_minor,
        gross_minor=part.unit_price_minor * part.units,
        discount_minor=part.over.discount_minor,
        net_minor=part.over.net_minor,
        replaces=old,
    )


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
