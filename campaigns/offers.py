"""What campaigns put into the price: promotions, coupons, what staff give by hand.

The first two read together, in one statement a quote; the cart brings the third.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext

from campaigns.queries.quoting import CouponRow
from campaigns.rules.by_hand import staff_offer
from campaigns.rules.coupons import CouponOffer, display_code, normalise_code
from campaigns.services.choosing import (
    Choice,
    coupons_asked_for,
    coupons_for_request,
    limits_reached,
    why_unusable,
)
from campaigns.services.holding import hold_coupon
from campaigns.services.offering import (
    asks_for_audience,
    goods_of_promotions,
    promotions_for,
    segment_audiences,
)
from campaigns.services.promoting import take_promotion_use
from campaigns.services.redeeming import CODE, hold_code
from campaigns.services.unit_pricing import (
    is_price_list,
    offers_on_units,
    segments_for_units,
    units_ask_for_audience,
)
from crm.shared.bilingual import in_request_language
from orders.rules.holdings import Holding
from orders.rules.offers import Applied, Offer, PriceRequest, Refused
from orders.rules.sought_goods import SoughtGoods


class PromotionOffers:
    """Automatic promotions of every kind."""

    source_kind = "promotion"

    def offers_for(
        self, request: PriceRequest
    ) -> tuple[Sequence[Offer], Sequence[tuple[str, str, Refused]]]:
        """Return every promotion that is live at the time of the request."""
        return promotions_for(request), []

    def wants_audiences(self, request: PriceRequest) -> bool:
        """Tell whether a promotion asks what the buyer belongs to."""
        return asks_for_audience(request)

    def audiences(self, request: PriceRequest) -> frozenset[str]:
        """Return the segments the buyer is in."""
        if is_price_list(request):
            return segments_for_units(request)
        return segment_audiences(request)

    def unit_offers(self, request: PriceRequest) -> Sequence[Sequence[Offer]]:
        """Return of each line what may lower its unit price where it is alone."""
        return offers_on_units(request)

    def units_want_audiences(self, request: PriceRequest) -> bool:
        """Tell whether a promotion on unit prices asks what the buyer belongs to."""
        return units_ask_for_audience(request)

    def sought(
        self, request: PriceRequest, source_ids: Collection[str]
    ) -> Mapping[str, SoughtGoods]:
        """Return which goods some promotions are about."""
        return goods_of_promotions(request, source_ids=source_ids)

    def claim(self, applied: Applied, *, order_id: int, now: datetime) -> None:
        """Count one use and its units, and reserve what it takes of its budget."""
        take_promotion_use(
            promotion=applied.source_id,
            order_id=order_id,
            amount_minor=applied.amount_minor,
            units=applied.units,
            now=now,
        )


class StaffOffers:
    """What staff take off the cart by hand (S26)."""

    source_kind = "staff"

    def offers_for(
        self, request: PriceRequest
    ) -> tuple[Sequence[Offer], Sequence[tuple[str, str, Refused]]]:
        """Return the discount of the cart, within today's limit."""
        if request.by_staff is None:
            return [], []
        most_bp = settings.STAFF_DISCOUNT_LIMIT_BP
        name = gettext("Staff discount")
        return [staff_offer(request.by_staff, name=name, most_bp=most_bp)], []

    def claim(self, applied: Applied, *, order_id: int, now: datetime) -> None:
        """Do nothing: it goes with the cart, which becomes one order."""


class CouponOffers:
    """Coupons the buyer put into the cart by code."""

    source_kind = "coupon"

    def offers_for(
        self, request: PriceRequest
    ) -> tuple[Sequence[Offer], Sequence[tuple[str, str, Refused]]]:
        """Return the member's usable coupons; say why not of the others.

        Unknown, foreign and mistyped codes get one answer (C5, C24).
        """
        if not request.coupon_codes:
            return [], []
        _version, known = coupons_asked_for(request)
        reached = limits_reached(request=request, coupons=known)
        offers: list[Offer] = []
        refused: list[tuple[str, str, Refused]] = []
        for code in dict.fromkeys(map(normalise_code, request.coupon_codes)):
            coupon = known.get(code)
            if coupon is None:
                refused.append((code, code, Refused("coupon_not_found")))
                continue
            name = in_request_language(coupon.terms.name, coupon.terms.name_en)
            why_not = why_unusable(coupon=coupon, request=request, reached=reached)
            if why_not:
                refused.append((coupon.source_id, name, why_not))
            else:
                offers.append(_offer(coupon, name, request))
        return offers, refused

    def holdings(self, request: PriceRequest) -> list[Holding]:
        """Return the member's coupons beside this cart, the best first (C19, C20)."""
        return [_holding(choice) for choice in coupons_for_request(request)]

    def claim(self, applied: Applied, *, order_id: int, now: datetime) -> None:
        """Hold the coupon for the order; a code becomes the buyer's coupon."""
        how = {"order_id": order_id, "discount_minor": applied.amount_minor, "now": now}
        if applied.source_id.startswith(CODE):
            hold_code(code=applied.source_id.removeprefix(CODE), **how)
        else:
            hold_coupon(coupon=applied.source_id, **how)


def _holding(choice: Choice) -> Holding:
    coupon = choice.coupon
    return Holding(
        source_kind=CouponOffers.source_kind,
        source_id=coupon.public_id,
        name=in_request_language(coupon.terms["name"], coupon.terms["name_en"]),
        code=display_code(coupon.code),
        expires_at=coupon.expires_at,
        saves_minor=choice.saves_minor,
        why=choice.why,
    )


def _offer(coupon: CouponRow, name: str, request: PriceRequest) -> CouponOffer:
    # An order that asks again has its reservation already.
    is_own = coupon.order_id is not None and coupon.order_id == request.order_id
    left = None if is_own else coupon.budget_left_minor
    return CouponOffer(
        coupon.source_id,
        name,
        coupon.terms,
        budget_left_minor=left,
        budget_id=coupon.budget_id,
    )
