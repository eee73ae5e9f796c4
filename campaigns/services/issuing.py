"""Putting coupons into members' hands."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from campaigns.events import CouponIssued
from campaigns.models import Coupon, CouponTemplate
from campaigns.queries.coupons import claimable_templates, claims
from campaigns.rules.coupons import CLAIM, Terms, Validity, new_code, next_claim
from crm.shared.copying import copy_rows
from crm.shared.errors import Refusal
from crm.shared.outbox import record, record_all
from crm.shared.planned import planned_cursor
from loyalty.services.redeeming import redeem_points
from members.models import Member
from members.rules.lifecycle import ENDED

_TAKE_STOCK = """
UPDATE campaigns_coupontemplate SET issued = issued + %(wanted)s
 WHERE id = %(template)s AND (stock IS NULL OR issued + %(wanted)s <= stock)
"""
#: As many as there are, up to so many.
_TAKE_UP_TO = """
WITH before AS (
    SELECT id, least(%(wanted)s, coalesce(stock - issued, %(wanted)s)) AS taken
      FROM campaigns_coupontemplate WHERE id = %(template)s FOR NO KEY UPDATE)
UPDATE campaigns_coupontemplate t SET issued = issued + taken
  FROM before WHERE t.id = before.id
RETURNING taken
"""


class CouponNotOnOffer(Refusal):
    """This coupon cannot be claimed."""

    code = "coupon_not_on_offer"
    status = 404
    message = _("This coupon cannot be claimed.")


class TemplateNotLive(Refusal):
    """Coupons of this template are not given out."""

    code = "coupon_template_not_live"
    message = _("Coupons of this template are not given out.")


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


class CannotHaveCoupons(Refusal):
    """This membership cannot take coupons or give them away at the moment."""

    code = "member_not_active"
    message = _("This membership cannot take coupons or give them away at the moment.")


def lock_holder(*, member_id: int) -> Member:
    """Lock and return who takes coupons or gives them away.

    Inside the caller's transaction: what one member does with coupons happens one after
    the other.

    Raises:
        CannotHaveCoupons: the membership is frozen or ended.
    """
    member = Member.objects.select_for_update(no_key=True).get(pk=member_id)
    if not member.may_spend:
        raise CannotHaveCoupons
    return member


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
        for_first_order=template.for_first_order,
        skips_discounted=template.skips_discounted,
    )


def take_stock(*, template_id: int, count: int = 1) -> None:
    """Take coupons off a template's stock by one conditional write (C2).

    Raises:
        CouponsAllGone: there are fewer left.
    """
    with planned_cursor() as cursor:
        cursor.execute(_TAKE_STOCK, {"template": template_id, "wanted": count})
        if not cursor.rowcount:
            raise CouponsAllGone


def coupon_of(
    template: CouponTemplate,
    *,
    member_id: int,
    source: str,
    code: str = "",
    public_code_id: int | None = None,
    batch_id: int | None = None,
    now: datetime,
) -> Coupon:
    """Return an unsaved coupon with everything the template promises now (C3, C23)."""
    validity = Validity(
        days=template.valid_days,
        begins_at=template.valid_from,
        ends_at=template.valid_until,
        campaign_ends_at=template.ends_at if template.ends_with_campaign else None,
    )
    usable_from, expires_at = validity.of_coupon(now, ZoneInfo(settings.SHOP_TIME_ZONE))
    return Coupon(
        template=template,
        member_id=member_id,
        issued_to_id=member_id,
        code=code or new_code(),
        terms=asdict(terms_of(template)),
        template_version=template.version,
        grace_days=template.grace_days,
        is_transferable=template.is_transferable,
        source=source,
        public_code_id=public_code_id,
        batch_id=batch_id,
        issued_at=now,
        usable_from=usable_from,
        expires_at=expires_at,
    )


@transaction.atomic
def issue_coupon(
    *, template_id: int, member_id: int, source: str, now: datetime
) -> Coupon:
    """Give a member a coupon and publish CouponIssued, once per ``source``.

    Calling again with the same source returns the first coupon and writes nothing, also
    where the member has given it away.

    Args:
        source: the reason, such as ``tier:gold``; at most 80 characters.

    Raises:
        CouponsAllGone: the template's stock is used up.
    """
    # The member row is the lock: claims of one member come one after the other.
    Member.objects.select_for_update(no_key=True).get(pk=member_id)
    done = Coupon.objects.filter(
        template_id=template_id, issued_to_id=member_id, source=source
    ).first()
    if done:
        return done
    take_stock(template_id=template_id)
    template = CouponTemplate.objects.get(pk=template_id)
    coupon = coupon_of(template, member_id=member_id, source=source, now=now)
    coupon.save(force_insert=True)
    record(CouponIssued(coupon_id=coupon.pk, member_id=member_id, reason=source))
    return coupon


@dataclass(frozen=True, slots=True)
class IssueReport:
    """What became of a list of members."""

    issued: int
    #: Had theirs for this reason already.
    had_it: int
    #: Got none: the stock is used up.
    too_late: int


@transaction.atomic
def issue_to_members(
    *, template_id: int, member_ids: Sequence[int], source: str, now: datetime
) -> IssueReport:
    """Give each of many members a coupon, once per ``source``; set-based.

    The number of statements does not grow with the members. For a list that staff
    chose as for a segment: who is in it is the caller's. Call it in chunks of a few
    thousand; again with the same source gives nobody a second one.

    Args:
        member_ids: primary keys of members who stand; others are left out.
        source: the reason, such as ``segment:12:2026-11``; at most 80 characters.

    Raises:
        TemplateNotLive: it was ended meanwhile.
    """
    # Locked in order, as whoever issues to one of them locks them.
    locked = Member.objects.filter(pk__in=member_ids).exclude(state__in=ENDED)
    wanted = list(
        locked.select_for_update(no_key=True)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    coupons = Coupon.objects.filter(template_id=template_id, source=source)
    got = coupons.filter(issued_to_id__in=wanted)
    have = set(got.values_list("issued_to_id", flat=True))
    missing = [pk for pk in wanted if pk not in have]
    with planned_cursor() as cursor:
        cursor.execute(_TAKE_UP_TO, {"template": template_id, "wanted": len(missing)})
        (taken,) = cursor.fetchone()
    template = CouponTemplate.objects.get(pk=template_id)
    if template.state != CouponTemplate.State.LIVE:
        raise TemplateNotLive
    rows = [
        coupon_of(template, member_id=pk, source=source, now=now)
        for pk in missing[:taken]
    ]
    copy_rows(rows)
    record_all(
        CouponIssued(coupon_id=row.pk, member_id=row.member_id, reason=source)
        for row in rows
    )
    return IssueReport(taken, len(have), len(missing) - taken)


@transaction.atomic
def claim_coupon(*, template: str, member_id: int, now: datetime) -> Coupon:
    """Take a coupon from the claim centre (领券), for points where it has a price.

    Args:
        template: public id of a claimable template.

    Raises:
        CannotHaveCoupons: the membership is frozen or ended.
        CouponNotOnOffer: unknown, not live, or not for claiming.
        CouponAlreadyClaimed: the per-member limit is reached; used and expired
            coupons count (C2).
        CouponsAllGone: the stock is used up.
        NotEnoughPoints, PointsFrozen: the points do not pay for it.
    """
    member = lock_holder(member_id=member_id)
    wanted = CouponTemplate.objects.filter(public_id=template).first()
    if wanted is None:
        raise CouponNotOnOffer
    claimed = claims(member_id=member_id).filter(template=wanted)
    sources = list(claimed.values_list("source", flat=True))
    if len(sources) >= wanted.per_member_limit:
        raise CouponAlreadyClaimed
    if not claimable_templates(at=now).filter(pk=wanted.pk).exists():
        # The last one may have gone since it was read.
        wanted.refresh_from_db(fields=["stock", "issued"])
        if wanted.stock is not None and wanted.issued >= wanted.stock:
            raise CouponsAllGone
        raise CouponNotOnOffer
    number = next_claim(sources)
    if wanted.points_price:
        redeem_points(
            member_id=member_id,
            points=wanted.points_price,
            # By member: who were merged and part again have their own.
            source=f"coupon:{wanted.public_id}:{member.public_id}:{number}",
            now=now,
        )
    return issue_coupon(
        template_id=wanted.pk,
        member_id=member_id,
        source=f"{CLAIM}{number}",
        now=now,
    )
