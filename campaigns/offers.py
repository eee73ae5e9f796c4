"""What campaigns put into the price: promotions and coupons."""

from collections.abc import Sequence
from datetime import datetime

from campaigns.models import Coupon
from campaigns.queries import coupons_by_code, live_promotions
from campaigns.rules.coupons import (
    CouponOffer,
    Terms,
    is_plausible,
    normalise_code,
)
from campaigns.rules.promotions import SpendAndSave
from campaigns.services.holding import hold_coupon, take_promotion_use
from crm.shared.bilingual import in_request_language
from orders.rules.offers import Applied, Offer, PriceRequest, Refused


class PromotionOffers:
    """Automatic spend-and-save promotions."""

    source_kind = "promotion"

    def offers_for(
        self, request: PriceRequest
    ) -> tuple[Sequence[Offer], Sequence[tuple[str, str, Refused]]]:
        """Return every live promotion."""
        offers = [
            SpendAndSave(
                source_id=promotion.public_id,
                name=promotion.label,
                rungs=tuple((threshold, off) for threshold, off in promotion.rungs),
                repeats=promotion.repeats,
                max_times=promotion.max_times,
                priority=promotion.priority,
                exclusive_group=promotion.exclusive_group,
                starts_at=promotion.starts_at,
            )
            for promotion in live_promotions(at=request.now)
        ]
        return offers, []

    def claim(self, applied: Applied, *, order_id: int, now: datetime) -> None:
        """Count one use."""
        take_promotion_use(promotion=applied.source_id)


class CouponOffers:
    """Coupons the buyer put into the cart by code."""

    source_kind = "coupon"

    def offers_for(
        self, request: PriceRequest
    ) -> tuple[Sequence[Offer], Sequence[tuple[str, str, Refused]]]:
        """Return the member's usable coupons; say why not of the others.

        Unknown, foreign and mistyped codes get one answer (C5, C24).
        """
        codes = [normalise_code(code) for code in request.coupon_codes]
        known = coupons_by_code(
            member_id=request.member_id, codes=filter(is_plausible, codes)
        )
        offers: list[Offer] = []
        refused: list[tuple[str, str, Refused]] = []
        for code in dict.fromkeys(codes):
            coupon = known.get(code)
            if coupon is None:
                refused.append((code, code, Refused("coupon_not_found")))
                continue
            name = _name(Terms(**coupon.terms))
            why_not = _unusable(coupon, request)
            if why_not:
                refused.append((coupon.public_id, name, why_not))
            else:
                offers.append(
                    CouponOffer(
                        source_id=coupon.public_id,
                        name=name,
                        terms=Terms(**coupon.terms),
                    )
                )
        return offers, refused

    def claim(self, applied: Applied, *, order_id: int, now: datetime) -> None:
        """Hold the coupon for the order."""
        hold_coupon(coupon=applied.source_id, order_id=order_id, now=now)


def _unusable(coupon: Coupon, request: PriceRequest) -> Refused | None:
    if coupon.state == Coupon.State.HELD and coupon.order_id == request.order_id:
        return None
    if coupon.state in {Coupon.State.HELD, Coupon.State.USED}:
        return Refused("coupon_already_redeemed")
    if coupon.state == Coupon.State.REVOKED:
        return Refused("coupon_disabled")
    if coupon.state == Coupon.State.EXPIRED or coupon.expires_at <= request.now:
        return Refused("coupon_expired")
    return None


def _name(terms: Terms) -> str:
    return in_request_language(terms.name, terms.name_en)
