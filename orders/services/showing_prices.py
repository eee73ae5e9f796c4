"""What goods cost whoever looks at them, in price lists and on pages (S24)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from django.conf import settings

from orders.rules.lines import PriceLine
from orders.rules.offers import Offer, PriceRequest
from orders.rules.shown_prices import ShownPrice, shown_price
from orders.rules.sources import OfferSource
from orders.services.quoting import audiences_for, offer_sources


def shown_prices(
    *,
    lines: Sequence[PriceLine],
    now: datetime,
    member_id: int | None = None,
    channel_code: str = "",
) -> list[ShownPrice]:
    """Return what a unit of each line costs this buyer, bought alone.

    It is the unit price of a quote with that one item, made by the same function from
    the same offers. Each source asks the database once, however many lines there are
    and offers are on.

    Args:
        lines: of one unit each, with the prices that run at ``now``.
    """
    request = PriceRequest(
        lines=tuple(lines),
        currency=settings.SHOP_CURRENCY,
        now=now,
        member_id=member_id,
        channel_code=channel_code,
    )
    if not request.lines:
        return []
    sources = offer_sources()
    if _wants_audiences(request, sources):
        request = replace(request, audiences=audiences_for(request, sources=sources))
    offers: list[list[Offer]] = [[] for _line in request.lines]
    for source in sources:
        if hasattr(source, "unit_offers"):
            found = source.unit_offers(request)
            for mine, more in zip(offers, found, strict=True):
                mine.extend(more)
    return [
        shown_price(line, request, mine)
        for line, mine in zip(request.lines, offers, strict=True)
    ]


def _wants_audiences(request: PriceRequest, sources: Iterable[OfferSource]) -> bool:
    """Tell whether a price may depend on whom the buyer belongs to."""
    if request.member_id is None:
        return False
    if any(option.audience for line in request.lines for option in line.prices):
        return True
    asking = (each for each in sources if hasattr(each, "units_want_audiences"))
    return any(each.units_want_audiences(request) for each in asking)
