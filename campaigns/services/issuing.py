"""Putting coupons into members' hands."""

from dataclasses import asdict
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from campaigns.events import CouponIssued
from campaigns.models import Coupon, CouponTemplate
from campaigns.queries import claimable_templates
from campaigns.rules.coupons import Terms, expiry_of, new_code
from crm.shared.errors import Refusal
from crm.shared.outbox import record
from members.models import Member


class CouponNotOnOffer(Refusal):
    """This coupon cannot be claimed."""

    code = "coupon_not_on_offer"
    status = 404
    message = _("This coupon cannot be claimed.")


class CouponsAllGone(Refusal):
    """All coupons of this kind have been given out."""

    code = "coupon_out_of_stock"
    status = 422
    message = _("All coupons of this kind have been given out.")


class CouponAlreadyClaimed(Refusal):
    """You have already claimed this coupon as often as it is offered."""

    code = "coupon_member_limit"
    status = 422
    message = _("You have already claimed this coupon as often as it is offered.")


def terms_of(template: CouponTemplate) -> Terms:
    """Return what a template promises today."""
    return Terms(
        kind=template.kind,
        amount_minor=template.amount_minor,
        percent_bp=template.percent_bp,
        cap_minor=template.cap_minor,
        min_spend_minor=template.min_spend_minor,
        name=template.name,
        name_en=template.name_en,
        returns=template.returns,
        on_return=template.on_return,
    )


@transaction.atomic
def issue_coupon(
    *, template_id: int, member_id: int, source: str, now: datetime
) -> Coupon:
    """Give a member a coupon and publish CouponIssued, once per ``source``.

    Calling again with the same source returns the first coupon and writes nothing.

    Args:
        source: the reason, such as ``tier:gold``; at most 80 characters.

    Raises:
        CouponsAllGone: the template's stock is used up.
    """
    # The member row is the lock: claims of one member come one after the other.
    Member.objects.select_for_update(no_key=True).get(pk=member_id)
    done = Coupon.objects.filter(
        template_id=template_id, member_id=member_id, source=source
    ).first()
    if done:
        return done
    taken = CouponTemplate.objects.filter(
        Q(stock__isnull=True) | Q(issued__lt=F("stock")), pk=template_id
    ).update(issued=F("issued") + 1)
    if not taken:
        raise CouponsAllGone
    template = CouponTemplate.objects.get(pk=template_id)
    coupon = Coupon.objects.create(
        template=template,
        member_id=member_id,
        code=new_code(),
        terms=asdict(terms_of(template)),
        source=source,
        issued_at=now,
        expires_at=expiry_of(
            now, days=template.valid_days, zone=ZoneInfo(settings.SHOP_TIME_ZONE)
        ),
    )
    record(CouponIssued(coupon_id=coupon.pk, member_id=member_id, reason=source))
    return coupon


@transaction.atomic
def claim_coupon(*, template: str, member_id: int, now: datetime) -> Coupon:
    """Take a coupon from the claim centre (领券).

    Args:
        template: public id of a claimable template.

    Raises:
        CouponNotOnOffer: unknown, not live, or not for claiming.
        CouponAlreadyClaimed: the per-member limit is reached; used and expired
            coupons count (C2).
        CouponsAllGone: the stock is used up.
    """
    Member.objects.select_for_update(no_key=True).get(pk=member_id)
    wanted = CouponTemplate.objects.filter(public_id=template).first()
    if wanted is None:
        raise CouponNotOnOffer
    claimed = Coupon.objects.filter(
        template=wanted, member_id=member_id, source__startswith="claim:"
    ).count()
    if claimed >= wanted.per_member_limit:
        raise CouponAlreadyClaimed
    if not claimable_templates(at=now).filter(pk=wanted.pk).exists():
        # The last one may have gone since it was read.
        wanted.refresh_from_db(fields=["stock", "issued"])
        if wanted.stock is not None and wanted.issued >= wanted.stock:
            raise CouponsAllGone
        raise CouponNotOnOffer
    return issue_coupon(
        template_id=wanted.pk,
        member_id=member_id,
        source=f"claim:{claimed + 1}",
        now=now,
    )
