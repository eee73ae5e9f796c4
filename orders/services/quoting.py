"""What a cart costs now. Writes nothing.

However many lines it has and however many offers are live, a price takes at most three
statements: one of orders, one of campaigns, one of loyalty.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from crm import wiring
from orders.models import Cart
from orders.queries.carts import CartContents, contents_of
from orders.queries.freight import freight_rules
from orders.rules.freight import FreightRule, rule_for
from orders.rules.lines import PriceLine
from orders.rules.offers import Offer, PriceRequest
from orders.rules.pipeline import Beginnings
from orders.rules.prices import ANY_MEMBER
from orders.rules.pricing import price_cart
from orders.rules.quotes import FarOffers, NotApplied, Quote
from orders.rules.seen_prices import Change, changes_since, seen_price
from orders.rules.sources import OfferSource


@dataclass(frozen=True, slots=True)
class PricedCart:
    """A cart with what is in it and what that costs; lines and items correspond."""

    cart: Cart
    contents: CartContents
    quote: Quote
    #: What was priced; whoever asks on finds in it what sources have read.
    request: PriceRequest

    @property
    def seen(self) -> dict[str, Any]:
        """Return what its holder sees of the price, to be kept."""
        return seen_price(
            self.quote,
            available={each.sku: each.is_available for each in self.contents.items},
            codes=self.cart.coupon_codes,
            points=self.cart.points_to_spend,
            province=self.contents.province,
        )

    @property
    def changes(self) -> list[Change]:
        """Return what is different from the price its holder saw last (S23)."""
        return changes_since(self.cart.seen, self.seen)


def offer_sources() -> list[OfferSource]:
    """Return who may lower a price, as ``crm.wiring`` lists them; fresh for a quote."""
    return [import_string(path)() for path in wiring.OFFER_SOURCES]


def quote_cart(*, cart: Cart, now: datetime, order_id: int | None = None) -> Quote:
    """Return what a cart costs; see ``priced_cart``."""
    return priced_cart(cart=cart, now=now, order_id=order_id).quote


def priced_cart(
    *, cart: Cart, now: datetime, order_id: int | None = None
) -> PricedCart:
    """Read what is in a cart and price it by asking every offer source once.

    Args:
        order_id: an order that asks again, for its own holds (C6).
    """
    contents = contents_of(cart_id=cart.pk, at=now)
    return price_contents(cart=cart, contents=contents, now=now, order_id=order_id)


def price_contents(
    *, cart: Cart, contents: CartContents, now: datetime, order_id: int | None = None
) -> PricedCart:
    """Price a cart whose contents were read at ``now``."""
    request = _request_of(cart, contents, now=now, order_id=order_id)
    return PricedCart(cart, contents, quote_request(request), request)


def quote_request(request: PriceRequest, *, tried: Offer | None = None) -> Quote:
    """Price a request, for carts, previews and simulations alike (X6).

    Freight rules are read where the request does not bring them.

    Args:
        tried: an offer that is not on yet, among those that are; in the place of the
            one with its id, if that is on.
    """
    sources = offer_sources()
    if _wants_audiences(request, sources):
        request = replace(request, audiences=audiences_for(request, sources=sources))
    offers: list[Offer] = []
    refused: list[NotApplied] = []
    for source in sources:
        found, turned_down = source.offers_for(request)
        offers += found
        refused += [
            NotApplied(source.source_kind, source_id, name, why)
            for source_id, name, why in turned_down
        ]
    if tried is not None:
        ids = (tried.source_kind, tried.source_id)
        offers = [each for each in offers if _ids(each) != ids] + [tried]
    # Whoever asks about the same cart with other codes, goes on from there.
    beginnings = request.reads.setdefault("orders.beginnings", Beginnings())
    freight = freight_of(request)
    return price_cart(request, offers, refused, freight, beginnings=beginnings)


def _wants_audiences(request: PriceRequest, sources: Iterable[OfferSource]) -> bool:
    """Tell whether the price may depend on whom the buyer belongs to."""
    if any(option.audience for line in request.lines for option in line.prices):
        return True
    if request.member_id is None:
        return False
    asking = (each for each in sources if hasattr(each, "wants_audiences"))
    return any(each.wants_audiences(request) for each in asking)


def _ids(offer: Offer | FarOffers) -> tuple[str, str]:
    return getattr(offer, "source_kind", ""), getattr(offer, "source_id", "")


def audiences_for(
    request: PriceRequest, *, sources: Iterable[OfferSource]
) -> frozenset[str]:
    """Return whom the buyer belongs to, such as ``{"member", "tier:gold"}``.

    A source that knows more than that somebody is a member has ``audiences(request)``.
    """
    if request.member_id is None:
        return request.audiences
    asked = [s.audiences(request) for s in sources if hasattr(s, "audiences")]
    return request.audiences.union({ANY_MEMBER}, *asked)


def known_audiences_of(request: PriceRequest) -> frozenset[str]:
    """Return what an order keeps of whom its buyer belongs to (T16).

    Asked after the price was made: what it went by was read for the request and is
    not read again, so the copy is of the tier the price was made with.
    """
    return audiences_for(request, sources=offer_sources()) - {ANY_MEMBER}


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
    contents = contents_of(cart_id=cart.pk, at=now)
    return _request_of(cart, contents, now=now, order_id=order_id)


def _request_of(
    cart: Cart, contents: CartContents, *, now: datetime, order_id: int | None
) -> PriceRequest:
    return PriceRequest(
        lines=tuple(
            item.priced_at(position)
            for position, item in enumerate(contents.items, start=1)
        ),
        currency=settings.SHOP_CURRENCY,
        now=now,
        member_id=cart.member_id,
        channel_code=contents.channel_code,
        coupon_codes=tuple(cart.coupon_codes),
        points_to_spend=cart.points_to_spend,
        by_staff=cart.staff_discount,
        order_id=order_id,
        province=contents.province,
        freight=contents.freight,
    )


def freight_of(request: PriceRequest) -> FreightRule:
    """Return what delivery costs there: the shop's rule, or its flat fee for want."""
    rules = freight_rules() if request.freight is None else request.freight
    return rule_for(rules, request.province) or FreightRule(
        fee_minor=settings.FREIGHT_MINOR,
        free_from_minor=settings.FREE_FREIGHT_FROM_MINOR,
    )
