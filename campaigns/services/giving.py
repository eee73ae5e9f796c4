"""Giving a coupon away: its holder says so, whoever brings the code has it (C24)."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from campaigns.events import CouponGivenAway
from campaigns.models import Coupon
from campaigns.rules.coupons import new_code
from campaigns.services.holding import CouponUnknown
from campaigns.services.issuing import lock_holder
from crm.shared.errors import Refusal
from crm.shared.outbox import record


class CouponNotTransferable(Refusal):
    """This coupon cannot be given away."""

    code = "coupon_not_transferable"
    status = 422
    message = _("This coupon cannot be given away.")


@transaction.atomic
def offer_coupon(
    *, coupon: str, member_id: int, is_offered: bool, now: datetime
) -> Coupon:
    """Let whoever brings the code of a coupon have it, or keep it again.

    Until somebody comes, its holder can use it as before.

    Args:
        coupon: public id.

    Raises:
        CannotHaveCoupons: it is to be given away by who is frozen or has left.
        CouponUnknown: it is not the member's.
        CouponNotTransferable: its terms say no, or it is used, held or over.
    """
    if is_offered:
        lock_holder(member_id=member_id)
    own = Coupon.objects.filter(public_id=coupon, member_id=member_id)
    free = own.filter(state=Coupon.State.AVAILABLE, expires_at__gt=now)
    if not free.filter(is_transferable=True).update(is_offered=is_offered):
        raise CouponNotTransferable if own.exists() else CouponUnknown
    return own.get()


def take_over(*, code: str, member_id: int, now: datetime) -> Coupon | None:
    """Make a coupon that its holder gives away another member's; None if it is none.

    Inside the caller's transaction. Its code becomes another one, so that what its
    holder knew opens nothing any more. Of two who come at once one gets it, and nobody
    gets it from who is frozen or has left. Whom it was issued to and why stays, so that
    nobody gets another by giving one away (C2).
    """
    offered = Coupon.objects.filter(
        code=code, is_offered=True, state=Coupon.State.AVAILABLE, expires_at__gt=now
    )
    found = offered.select_related("member").first()
    if found is None or not found.member.may_spend:
        return None
    moved = offered.filter(pk=found.pk, member_id=found.member_id).update(
        member_id=member_id, code=new_code(), is_offered=False
    )
    if not moved:
        return None
    record(
        CouponGivenAway(
            coupon_id=found.pk,
            from_member_id=found.member_id,
            to_member_id=member_id,
        )
    )
    return Coupon.objects.get(pk=found.pk)
