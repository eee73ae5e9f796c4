"""Coupons: what can be claimed, what a member has, which limits are reached."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import (
    Count,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Coalesce

from campaigns.models import (
    Coupon,
    CouponTemplate,
    Message,
    UseTally,
)
from campaigns.rules.coupon_limits import Slot
from campaigns.rules.coupons import CLAIM

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


def _not_over(*, at: datetime) -> QuerySet[CouponTemplate]:
    """Return live templates that have not ended, nor have their coupons."""
    return CouponTemplate.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=at),
        Q(valid_until__isnull=True) | Q(valid_until__gt=at),
        state=CouponTemplate.State.LIVE,
    )


def claimable_templates(*, at: datetime) -> QuerySet[CouponTemplate]:
    """Return what the claim centre (领券中心) offers now; some for use later on."""
    in_stock = Q(stock__isnull=True) | Q(issued__lt=F("stock"))
    on_offer = _not_over(at=at).filter(in_stock, is_claimable=True, starts_at__lte=at)
    return on_offer.order_by("-starts_at", "id")


def claim_centre(*, member_id: int, at: datetime) -> QuerySet[CouponTemplate]:
    """Return what the claim centre shows a member: on offer, soon, and all gone.

    Each comes with ``claimed``: how many this member ever claimed (C2).
    """
    mine = claims(member_id=member_id).filter(template=OuterRef("pk"))
    counted = mine.order_by().values("template").annotate(n=Count("pk")).values("n")
    shown = _not_over(at=at).filter(is_claimable=True)
    return shown.annotate(claimed=Coalesce(Subquery(counted), 0))


def why_not_claimable(template: CouponTemplate, *, at: datetime) -> str | None:
    """Return why a row of the claim centre cannot be claimed now, as a code."""
    if template.claimed >= template.per_member_limit:
        return "coupon_member_limit"
    if template.starts_at > at:
        return "coupon_not_started"
    if template.stock is not None and template.issued >= template.stock:
        return "coupon_out_of_stock"
    return None


def wallet(*, member_id: int, status: str, at: datetime) -> QuerySet[Coupon]:
    """Return a member's coupons of one status: available, used or expired."""
    return Coupon.objects.filter(WALLET[status](at), member_id=member_id)


def redeemable(*, at: datetime) -> QuerySet[CouponTemplate]:
    """Return templates whose codes can become coupons now."""
    is_usable = Q(valid_from__isnull=True) | Q(valid_from__lte=at)
    return _not_over(at=at).filter(is_usable, starts_at__lte=at)


def claims(*, member_id: int) -> QuerySet[Coupon]:
    """Return every coupon a member ever claimed (C2).

    Used and expired ones count, those given away, and those that a merge brought.
    """
    came_over = Q(source__startswith="mrg_") & ~Q(state=Coupon.State.REVOKED)
    return Coupon.objects.filter(
        Q(source__startswith=CLAIM) | came_over, issued_to_id=member_id
    )


def full_slots(wanted: Iterable[tuple[int, Slot]]) -> set[tuple[int, Slot]]:
    """Return the slots that are full.

    Args:
        wanted: slots that a use would take, with the primary key of the template.
    """
    slots = set(wanted)
    if not slots:
        return set()
    known = {
        (tally.template_id, tally.whose, tally.period): tally.used
        for tally in UseTally.objects.filter(
            template_id__in={template for template, _slot in slots},
            whose__in={slot.whose for _template, slot in slots},
        )
    }
    return {
        (template, slot)
        for template, slot in slots
        if known.get((template, slot.whose, slot.period), 0) >= slot.most
    }


def inbox(*, member_id: int) -> QuerySet[Message]:
    """Return the in-app messages a member can read."""
    return Message.objects.filter(
        member_id=member_id, channel="in_app", state=Message.State.SENT
    )


def coupons_of_order(*, order_id: int) -> QuerySet[Coupon]:
    """Return the coupons an order used, with their templates."""
    used = Coupon.objects.filter(order_id=order_id, state=Coupon.State.USED)
    return used.select_related("template").order_by("id")


# --- Group buying -------------------------------------------------------------
