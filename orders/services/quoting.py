"""What a cart costs now. Writes nothing."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from django.conf import settings
from django.utils.module_loading import import_string

from crm import wiring
from orders.models import Cart, CartLine
from orders.rules.freight import FreightRule
from orders.rules.offers import Offer, OfferSource, PriceLine, PriceRequest
from orders.rules.pricing import price_cart
from orders.rules.quotes import NotApplied, Quote


def offer_sources() -> list[OfferSource]:
    """Return who may lower a price, as ``crm.wiring`` lists them."""
    return [import_string(path)() for path in wiring.OFFER_SOURCES]


def quote_cart(*, cart: Cart, now: datetime, order_id: int | None = None) -> Quote:
    """Price a cart by asking every offer source once.

    The number of SQL statements does not depend on the number of lines.

    Args:
        cart: with ``lines`` prefetched with their variant and product, in id order
            (``orders.queries.carts``), or they are read here.
        order_id: an order that asks again, for its own holds (C6).
    """
    return quote_request(request_of_cart(cart=cart, now=now, order_id=order_id))


def quote_request(request: PriceRequest) -> Quote:
    """Price a request, for carts, previews and simulations alike (X6)."""
    offers: list[Offer] = []
    refused: list[NotApplied] = []
    for source in offer_sources():
        found, turned_down = source.offers_for(request)
        offers += found
        refused += [
            NotApplied(source.source_kind, source_id, name, why)
            for source_id, name, why in turned_down
        ]
    return price_cart(request, offers, refused, freight_rule())


def quote_lines(
    *,
    lines: Iterable[PriceLine],
    now: datetime,
    member_id: int | None = None,
    coupon_codes: tuple[str, ...] = (),
    points_to_spend: int = 0,
) -> Quote:
    """Price lines that are in no cart."""
    return quote_request(
        PriceRequest(
            lines=tuple(lines),
            currency=settings.SHOP_CURRENCY,
            now=now,
            member_id=member_id,
            coupon_codes=coupon_codes,
            points_to_spend=points_to_spend,
        )
    )


def quote_with_code(*, cart: Cart, code: str, now: datetime) -> Quote:
    """Price a cart as if ``code`` were its only coupon."""
    request = request_of_cart(cart=cart, now=now)
    return quote_request(replace(request, coupon_codes=(code,)))


def request_of_cart(
    *, cart: Cart, now: datetime, order_id: int | None = None
) -> PriceRequest:
    """Return a cart as the pricing function sees it; positions follow the line ids."""
    return PriceRequest(
        lines=tuple(
            _price_line(position, line)
            for position, line in enumerate(_lines_of(cart), start=1)
        ),
        currency=settings.SHOP_CURRENCY,
        now=now,
        member_id=cart.member_id,
        channel_code=cart.channel.code if cart.channel_id else "",
        coupon_codes=tuple(cart.coupon_codes),
        points_to_spend=cart.points_to_spend,
        order_id=order_id,
    )


def freight_rule() -> FreightRule:
    """Return what delivery costs in this shop."""
    return FreightRule(
        fee_minor=settings.FREIGHT_MINOR,
        free_from_minor=settings.FREE_FREIGHT_FROM_MINOR,
    )


def _lines_of(cart: Cart) -> Iterable[CartLine]:
    if "lines" in getattr(cart, "_prefetched_objects_cache", {}):
        return sorted(cart.lines.all(), key=lambda line: line.pk)
    return cart.lines.select_related("variant__product").order_by("id")


def _price_line(position: int, line: CartLine) -> PriceLine:
    variant = line.variant
    product = variant.product
    return PriceLine(
        position=position,
        variant_id=variant.pk,
        product_id=product.pk,
        category_id=product.category_id,
        sku=variant.sku,
        name=f"{product.label} {variant.option}".strip(),
        kind=product.kind,
        quantity=line.quantity,
        unit_price_minor=variant.price_minor,
    )
