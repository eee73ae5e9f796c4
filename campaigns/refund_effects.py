"""What a refund does to the coupons of its order (C10)."""

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from campaigns.models import Coupon
from campaigns.queries.coupons import coupons_of_order
from campaigns.rules.coupons import ReturnOf, return_of
from campaigns.services.messaging import refund_words, text_of
from orders.models import Refund
from orders.rules.refund_effects import Effect, PlannedRefund

#: What becomes of a coupon -> the sentence that says so.
SENTENCES = {
    ReturnOf.RETURNS: _("The coupon “%(coupon)s” can be used again."),
    ReturnOf.GRACE: _(
        "The coupon “%(coupon)s” had expired; it can be used for another %(days)s days."
    ),
    ReturnOf.EXPIRED: _("The coupon “%(coupon)s” comes back, but has expired."),
    ReturnOf.STAYS_PARTIAL: _(
        "The coupon “%(coupon)s” stays used: only a full refund returns it."
    ),
    ReturnOf.STAYS: _("The coupon “%(coupon)s” stays used by its terms."),
}


class CouponEffects:
    """Coupons that paid a part of the order."""

    def preview(self, planned: PlannedRefund, *, now: datetime) -> Sequence[Effect]:
        """Say of each used coupon whether it comes back."""
        return [
            _effect(coupon, closes_order=planned.closes_order, now=now)
            for coupon in coupons_of_order(order_id=planned.order_id)
        ]

    def booked(self, refund_id: int) -> Sequence[Effect]:
        """Say of the coupons still with the order that they stay.

        What came back belongs to no order any more; its history is in the wallet.
        """
        refund = Refund.objects.select_related("order").get(pk=refund_id)
        return [
            _effect(coupon, closes_order=False, now=refund.requested_at)
            for coupon in coupons_of_order(order_id=refund.order_id)
        ]


def _effect(coupon: Coupon, *, closes_order: bool, now: datetime) -> Effect:
    outcome = return_of(
        returns=coupon.terms.get("returns", True),
        expires_at=coupon.expires_at,
        closes_order=closes_order,
        grace_days=coupon.grace_days,
        now=now,
    )
    return Effect(
        code=f"coupon_{outcome}",
        message=SENTENCES[outcome],
        params={"coupon": coupon.template.label, "days": coupon.grace_days}
        if outcome is ReturnOf.GRACE
        else {"coupon": coupon.template.label},
    )


def refund_message(
    *, order_number: str, amount_minor: int, currency: str, points: int, language: str
) -> tuple[str, str]:
    """Return subject and text of what a member is told about a refund.

    For the preview; ``campaigns.subscribers.tell_of_refund`` writes the same one.
    """
    template, context = refund_words(
        order_number=order_number,
        amount_minor=amount_minor,
        currency=currency,
        points=points,
    )
    return text_of(template, context=context, language=language)
