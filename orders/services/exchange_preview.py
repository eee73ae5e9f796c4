"""What an exchange costs: one quote for preview and execution (R13, R14).

Writes nothing. What lowered the old units goes along with them; an uneven exchange
differs by the price of the new article alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from orders.models import Allocation, Order, OrderLine, Product, Variant
from orders.queries.price_tables import tabled_prices
from orders.queries.refunds import deducted_before, paid_lines, root_of, tender_parts
from orders.rules.exchanges import (
    ExchangeQuote,
    PricePolicy,
    SwappedUnits,
    Taken,
    is_even,
    new_price,
    repriced,
    taken_over,
)
from orders.rules.lifecycle import STANDING
from orders.rules.refund_effects import PlannedRefund
from orders.rules.refunds import (
    DeductionKind,
    LineRefund,
    TooManyUnits,
    UnknownPosition,
    refund_quote,
)
from orders.rules.unit_prices import UnitPrice
from orders.services.audiences import audiences_of
from orders.services.moving import refuse_waiting
from orders.services.refund_preview import (
    NothingToRefund,
    OrderNotRefundable,
    effects_of,
)


class PriceFellAfterwards(Refusal):
    """Less was paid for these articles than they cost: take a return instead."""

    code = "exchange_price_fell"
    status = 422
    message = _(
        "Less was paid for these articles than they cost: take a return instead."
    )


@dataclass(frozen=True, slots=True)
class Swap:
    """``units`` of the line at ``position`` become units of another SKU."""

    position: int
    units: int
    variant_id: int


def quote_exchange(
    order: Order,
    *,
    swaps: Sequence[Swap],
    return_id: int | None = None,
    now: datetime,
) -> ExchangeQuote:
    """Say what an exchange costs or gives back, to the unit.

    Args:
        order: read, or locked.
        swaps: at most one per position, of goods against goods.
        return_id: the return that is settled; its units are not promised elsewhere.

    Raises:
        OrderNotRefundable, NothingToRefund, PriceFellAfterwards: as they say.
        OrderWaits: its group is still open.
    """
    if order.state not in STANDING:
        raise OrderNotRefundable
    refuse_waiting(order)
    if deducted_before(order).get(DeductionKind.OVERPAID):
        raise PriceFellAfterwards
    back = _given_back(order, swaps, return_id)
    lines = _lines(order, swaps)
    variants = Variant.objects.select_related("product").in_bulk(
        [swap.variant_id for swap in swaps]
    )
    if any(not _are_goods(lines[s.position], variants[s.variant_id]) for s in swaps):
        raise NothingToRefund
    prices = _prices(order, variants, now)
    quote = ExchangeQuote(
        lines=tuple(
            _swapped(
                swap,
                line=lines[swap.position],
                back=back[swap.position],
                variant=variants[swap.variant_id],
                price=prices[swap.variant_id],
            )
            for swap in swaps
        )
    )
    if not quote.back_minor and not quote.points:
        return quote
    return replace(
        quote,
        tenders=tuple(tender_parts(order, quote.back_minor)),
        effects=effects_of(_planned(order, quote), now=now),
    )


def _given_back(
    order: Order, swaps: Sequence[Swap], return_id: int | None
) -> dict[int, LineRefund]:
    """Return what the old units are worth, by position."""
    items = {swap.position: swap.units for swap in swaps}
    try:
        quote = refund_quote(paid_lines(order, return_id=return_id), items)
    except (UnknownPosition, TooManyUnits) as error:
        raise NothingToRefund from error
    if not quote.lines or len(items) != len(swaps):
        raise NothingToRefund
    return {part.position: part for part in quote.lines}


def _lines(order: Order, swaps: Sequence[Swap]) -> dict[int, OrderLine]:
    lines = (
        order.lines.filter(position__in=[swap.position for swap in swaps])
        .select_related("variant")
        .prefetch_related("allocations")
    )
    return {line.position: line for line in lines}


def _are_goods(line: OrderLine, variant: Variant) -> bool:
    """Gift cards and fees are given back for money, never for goods."""
    goods = Product.Kind.GOODS
    return line.kind == goods and variant.product.kind == goods


def _prices(
    order: Order, variants: Mapping[int, Variant], now: datetime
) -> dict[int, UnitPrice]:
    """Return what the new articles cost the member, by the shop's policy."""
    audiences = audiences_of(member_id=order.member_id, now=now)
    sold = list(variants.values())
    today = tabled_prices(variants=sold, audiences=audiences, at=now)
    then = tabled_prices(variants=sold, audiences=audiences, at=order.placed_at)
    policy = PricePolicy(settings.EXCHANGE_PRICE)
    return {pk: new_price(policy, today=today[pk], then=then[pk]) for pk in variants}


def _swapped(
    swap: Swap,
    *,
    line: OrderLine,
    back: LineRefund,
    variant: Variant,
    price: UnitPrice,
) -> SwappedUnits:
    over = taken_over(
        units=swap.units,
        unit_price_minor=line.unit_price_minor,
        amount_minor=back.amount_minor,
        points=back.points,
        reductions=[
            Taken(each.amount_minor, each.points) for each in allocations_of(line)
        ],
    )
    listed: int | None = price.list_minor
    unit_price, kind = price.amount_minor, price.kind
    if _is_even(line, variant):
        listed, kind = line.list_price_minor, line.price_kind
        unit_price = line.unit_price_minor
    return SwappedUnits(
        position=swap.position,
        units=swap.units,
        sku=variant.sku,
        value_minor=back.amount_minor,
        points=over.points,
        unit_price_minor=unit_price,
        list_price_minor=listed,
        price_kind=kind,
        over=repriced(
            over,
            units=swap.units,
            old_price_minor=line.unit_price_minor,
            new_price_minor=unit_price,
        ),
    )


def _is_even(line: OrderLine, variant: Variant) -> bool:
    then = [line.unit_price_minor]
    if line.list_price_minor is not None:
        then.append(line.list_price_minor)
    return is_even(
        then_minor=then,
        old_now_minor=line.variant.price_minor,
        new_now_minor=variant.price_minor,
    )


def allocations_of(line: OrderLine) -> list[Allocation]:
    """Return what lowered a line, in the order in which it was shared."""
    return sorted(line.allocations.all(), key=lambda each: each.pk)


def _planned(order: Order, quote: ExchangeQuote) -> PlannedRefund:
    """Return the difference that goes back as other apps see it."""
    return PlannedRefund(
        order_id=order.pk,
        root_id=root_of(order).pk,
        member_id=order.member_id,
        worth_minor={Product.Kind.GOODS: quote.back_minor},
        amount_minor=quote.back_minor,
        points=quote.points,
        # What was exchanged lives on in another order (C25).
        closes_order=False,
    )
