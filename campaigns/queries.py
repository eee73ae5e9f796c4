"""Reads of the campaigns app."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import F, Q, QuerySet

from campaigns.models import Coupon, CouponTemplate, Message, Promotion

#: What a member calls a coupon -> the rows that are meant.
WALLET = {
    "available": lambda at: Q(
        state__in=[Coupon.State.AVAILABLE, Coupon.State.HELD], expires_at__gt=at
    ),
    "used": lambda at: Q(state=Coupon.State.USED),
    "expired": lambda at: (
        Q(state=Coupon.State.EXPIRED)
        | Q(
            state__in=[Coupon.State.AVAILABLE, Coupon.State.HELD],
            expires_at__lte=at,
        )
    ),
}


def live_promotions(*, at: datetime) -> QuerySet[Promotion]:
    """Return promotions that are live now and not used up."""
    return Promotion.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=at),
        Q(limit_total__isnull=True) | Q(used__lt=F("limit_total")),
        state=Promotion.State.LIVE,
        starts_at__lte=at,
    ).order_by("-priority", "starts_at", "id")


def claimable_templates(*, at: datetime) -> QuerySet[CouponTemplate]:
    """Return what the claim centre (领券中心) offers now."""
    return CouponTemplate.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=at),
        Q(stock__isnull=True) | Q(issued__lt=F("stock")),
        state=CouponTemplate.State.LIVE,
        is_claimable=True,
        starts_at__lte=at,
    ).order_by("-starts_at", "id")


def wallet(*, member_id: int, status: str, at: datetime) -> QuerySet[Coupon]:
    """Return a member's coupons of one status: available, used or expired."""
    return Coupon.objects.filter(WALLET[status](at), member_id=member_id)


def coupons_by_code(
    *, member_id: int | None, codes: Iterable[str]
) -> dict[str, Coupon]:
    """Return the member's own coupons among normalised codes (C24)."""
    if member_id is None:
        return {}
    found = Coupon.objects.filter(member_id=member_id, code__in=set(codes))
    return {coupon.code: coupon for coupon in found}


def inbox(*, member_id: int) -> QuerySet[Message]:
    """Return the in-app messages a member can read."""
    return Message.objects.filter(
        member_id=member_id, channel="in_app", state=Message.State.SENT
    )


def coupons_of_order(*, order_id: int) -> QuerySet[Coupon]:
    """Return the coupons an order used, with their templates."""
    used = Coupon.objects.filter(order_id=order_id, state=Coupon.State.USED)
    return used.select_related("template").order_by("id")
