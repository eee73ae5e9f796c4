"""Coupons and promotion uses on their way through an order (C6, C8–C10, S21)."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from campaigns.models import Coupon, Promotion
from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.planned import planned_cursor
from orders.models import Allocation, Order, Refund

_TAKE_USE = """
UPDATE campaigns_promotion SET used = used + 1
 WHERE public_id = %s AND state = 'live'
   AND (limit_total IS NULL OR used < limit_total)
"""


class CouponGone(Refusal):
    """This coupon can no longer be used."""

    code = "coupon_already_redeemed"
    status = 422
    message = _("This coupon can no longer be used.")


class PromotionUsedUp(Refusal):
    """This promotion has just been used up."""

    code = "promotion_used_up"
    status = 422
    message = _("This promotion has just been used up.")


def hold_coupon(*, coupon: str, order_id: int, now: datetime) -> None:
    """Reserve a coupon for an order, or keep the hold the order already has.

    One statement: it needs no transaction but the order's.

    Raises:
        CouponGone: used, held by another order, expired or revoked meanwhile.
    """
    held = Coupon.objects.filter(
        Q(state=Coupon.State.AVAILABLE, expires_at__gt=now)
        | Q(state=Coupon.State.HELD, order_id=order_id),
        public_id=coupon,
    ).update(state=Coupon.State.HELD, order_id=order_id)
    if not held:
        raise CouponGone


def take_promotion_use(*, promotion: str) -> None:
    """Count one use of a promotion, within its limit. One statement.

    Raises:
        PromotionUsedUp: the limit is reached or the promotion is off.
    """
    with planned_cursor() as cursor:
        cursor.execute(_TAKE_USE, [promotion])
        if not cursor.rowcount:
            raise PromotionUsedUp


@transaction.atomic
def use_coupons(*, order_id: int, now: datetime) -> int:
    """Turn the holds of a paid order into uses (C9); return how many."""
    return Coupon.objects.filter(order_id=order_id, state=Coupon.State.HELD).update(
        state=Coupon.State.USED, used_at=now
    )


@transaction.atomic
def release_order(*, order_id: int) -> None:
    """Give back what an order that was never paid had reserved (C8, C9)."""
    Coupon.objects.filter(order_id=order_id, state=Coupon.State.HELD).update(
        state=Coupon.State.AVAILABLE, order_id=None
    )
    used_by_order = Allocation.objects.filter(
        line__order_id=order_id,
        # What replaces units took their offers over: no use was counted (R13).
        line__order__exchange_of__isnull=True,
        source_kind="promotion",
        source_id=OuterRef("public_id"),
    )
    Promotion.objects.filter(Exists(used_by_order), used__gt=0).update(
        used=F("used") - 1
    )


@transaction.atomic
def return_coupons(*, order_id: int, now: datetime) -> int:
    """Give coupons back after a full refund, where they promise it (C10).

    One that expired meanwhile comes back expired: it stays usable for nobody but
    its history is right. A partial refund returns nothing, nor does an order whose
    units were exchanged (C25). A coupon that left the order meanwhile stays what it
    became, and stands in the audit trail.

    Returns:
        How many coupons came back.
    """
    exchanged = Refund.objects.filter(
        order_id=order_id, kind=Refund.Kind.EXCHANGE, state=Refund.State.COMPLETED
    )
    refunded = Order.objects.filter(pk=order_id, state=Order.State.REFUNDED)
    if not refunded.exists() or exchanged.exists():
        return 0
    _note_gone(order_id, now)
    return Coupon.objects.filter(
        order_id=order_id, state=Coupon.State.USED, terms__returns=True
    ).update(state=Coupon.State.AVAILABLE, order_id=None, used_at=None)


def _note_gone(order_id: int, now: datetime) -> None:
    """Write down which coupons that paid for an order are no longer its own."""
    named = Allocation.objects.filter(line__order_id=order_id, source_kind="coupon")
    gone = Coupon.objects.filter(
        public_id__in=set(named.values_list("source_id", flat=True))
    ).exclude(order_id=order_id, state=Coupon.State.USED)
    for coupon in gone:
        record_audit(
            actor="campaigns.coupons",
            action="coupons.not_returned",
            obj=coupon,
            detail={"state": coupon.state},
            now=now,
        )
