"""What a price list says a unit costs somebody (S24). Plain Python."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from orders.rules.lines import PriceLine
from orders.rules.offers import Applied, Offer, PriceRequest
from orders.rules.pricing import price_cart
from orders.rules.unit_prices import UnitPrice, best_price

#: The kind of a price that an offer lowered.
PROMOTION = "promotion"


@dataclass(frozen=True, slots=True)
class ShownPrice:
    """The price of a unit, and the offers that lowered it, if any did."""

    price: UnitPrice
    offers: tuple[Applied, ...] = ()


def shown_price(
    line: PriceLine, request: PriceRequest, offers: Sequence[Offer]
) -> ShownPrice:
    """Return what the first stage of a quote makes of one unit (S1, S24).

    Args:
        line: of one unit.
        request: who asks, where and when, whatever its own lines are.
        offers: those of the first stage; later ones lower what is paid, not the price.
    """
    listed = line.list_price_minor
    if not offers and line.prices:
        return ShownPrice(best_price(listed, line.prices, request.audiences))
    if not offers:
        return ShownPrice(UnitPrice(listed, line.unit_price_minor, line.price_kind))
    quote = price_cart(replace(request, lines=(line,)), offers)
    (priced,) = quote.lines
    kind = PROMOTION if quote.applied else priced.line.price_kind
    price = UnitPrice(priced.line.list_price_minor, priced.net_minor, kind)
    return ShownPrice(price, quote.applied)
