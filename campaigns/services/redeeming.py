"""Codes that become coupons: of a batch, of everybody, or given away by a friend."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.models import Coupon, PublicCode
from campaigns.queries.coupons import redeemable
from campaigns.rules.coupons import is_plausible, new_code, normalise_code
from campaigns.services.giving import take_over
from campaigns.services.holding import CouponGone, hold_coupon
from campaigns.services.issuing import coupon_of, lock_holder
from crm.shared.errors import Refusal
from crm.shared.planned import planned_cursor
from orders.models import Order
from orders.services.guessing import Guesser, counted_try

#: What offers of codes, which are nobody's coupon yet, are called.
CODE = "code:"

#: The batch is locked against being revoked: after that answer nobody gets one.
_TAKE = """
UPDATE campaigns_couponcode c SET state = 'taken'
  FROM (SELECT id, template_id FROM campaigns_couponbatch
         WHERE revoked_at IS NULL AND id = (
            SELECT batch_id FROM campaigns_couponcode WHERE code = %(code)s)
           FOR SHARE) b
 WHERE c.code = %(code)s AND c.state = 'free' AND c.batch_id = b.id
RETURNING b.template_id, b.id
"""


class CodeNotFound(Refusal):
    """This coupon code is not valid."""

    code = "coupon_not_found"
    status = 422
    #: One answer for unknown, taken, expired and foreign: it tells guessers nothing.
    message = _("This coupon code is not valid.")


class CouponForMembersOnly(Refusal):
    """Sign in to use this coupon."""

    code = "coupon_members_only"
    status = 422
    message = _("Sign in to use this coupon.")


def claim_code(*, code: str, member_id: int, guesser: Guesser, now: datetime) -> Coupon:
    """Put the coupon of a typed code into a member's wallet; again is harmless.

    Args:
        code: as typed.
        guesser: whose wrong codes are counted (C5).

    Raises:
        TooOften: too many wrong codes in ten minutes.
        CodeNotFound: no coupon can be had for it.
        CannotHaveCoupons: the membership is frozen or ended.
    """
    typed = normalise_code(code)
    return counted_try(lambda: _claim(typed, member_id, now), guesser=guesser, now=now)


@transaction.atomic
def _claim(typed: str, member_id: int, now: datetime) -> Coupon:
    lock_holder(member_id=member_id)
    if not is_plausible(typed):
        raise CodeNotFound
    own = Q(code=typed) | Q(
        public_code__code=typed, state__in=[Coupon.State.AVAILABLE, Coupon.State.HELD]
    )
    mine = Coupon.objects.filter(own, member_id=member_id).order_by("-id").first()
    if mine is not None:
        return mine
    return take_over(code=typed, member_id=member_id, now=now) or take_code(
        code=typed, member_id=member_id, now=now
    )


def take_code(*, code: str, member_id: int, now: datetime) -> Coupon:
    """Make a code a coupon of a member, inside the caller's transaction.

    A unique code is taken by one conditional write: of two who use it at once, one
    gets it. A public code stays there for others; its limit counts uses.

    Raises:
        CodeNotFound: it is nobody's to take, or its template is not live.
    """
    public = PublicCode.objects.filter(code=code, is_active=True).first()
    if public is not None:
        template_id, batch_id = public.template_id, None
        source = f"code:{new_code()}"
    else:
        with planned_cursor() as cursor:
            cursor.execute(_TAKE, {"code": code})
            taken = cursor.fetchone()
        if taken is None:
            raise CodeNotFound
        (template_id, batch_id), source = taken, f"code:{code}"
    template = redeemable(at=now).filter(pk=template_id).first()
    if template is None:
        raise CodeNotFound
    coupon = coupon_of(
        template,
        member_id=member_id,
        source=source,
        code="" if public else code,
        public_code_id=public.pk if public else None,
        batch_id=batch_id,
        now=now,
    )
    coupon.save(force_insert=True)
    return coupon


def hold_code(
    *, code: str, order_id: int, discount_minor: int, now: datetime
) -> Coupon:
    """Make a code a coupon of the buyer and hold it for the order.

    Raises:
        CouponForMembersOnly: nobody is signed in.
        CouponGone: somebody else was quicker.
        UseLimitReached, BudgetExhausted: see ``hold_coupon``.
    """
    member_id = Order.objects.values_list("member_id", flat=True).get(pk=order_id)
    if member_id is None:
        raise CouponForMembersOnly
    try:
        coupon = take_code(code=code, member_id=member_id, now=now)
    except CodeNotFound as gone:
        raise CouponGone from gone
    hold_coupon(
        coupon=coupon.public_id,
        order_id=order_id,
        discount_minor=discount_minor,
        now=now,
    )
    return coupon
