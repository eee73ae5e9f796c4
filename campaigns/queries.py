"""Reads of the campaigns app."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from json import loads
from uuid import UUID

from django.db.models import F, Prefetch, Q, QuerySet

from campaigns.models import (
    Coupon,
    CouponTemplate,
    Group,
    GroupDeal,
    Message,
    Promotion,
    Seat,
)
from campaigns.rules.coupons import Terms
from crm.shared.planned import planned_cursor

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

_VERSION_AND_COUPONS = """
SELECT v.version, c.code, c.public_id, c.state, c.order_id, c.expires_at, c.terms
  FROM campaigns_promotionversion v
  LEFT JOIN campaigns_coupon c ON c.member_id = %s AND c.code = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class CouponRow:
    """What a price needs to know of one coupon."""

    public_id: str
    state: str
    order_id: int | None
    expires_at: datetime
    terms: Terms


def promotions_on() -> QuerySet[Promotion]:
    """Return promotions that are on, whatever the time, and not used up."""
    return Promotion.objects.filter(
        Q(limit_total__isnull=True) | Q(used__lt=F("limit_total")),
        state=Promotion.State.LIVE,
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


def version_and_coupons(
    *, member_id: int | None, codes: Collection[str]
) -> tuple[UUID, dict[str, CouponRow]]:
    """Return the version of promotions and a member's own coupons, in one statement.

    Args:
        codes: normalised; those of others and of nobody are not in the answer (C24).
    """
    with planned_cursor() as cursor:
        cursor.execute(_VERSION_AND_COUPONS, [member_id, list(codes)])
        rows = cursor.fetchall()
    found = {
        code: CouponRow(public_id, state, order_id, expires_at, Terms(**loads(terms)))
        for _version, code, public_id, state, order_id, expires_at, terms in rows
        if code is not None
    }
    return rows[0][0], found


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

_LEADERS = Prefetch(
    "seats",
    Seat.objects.filter(is_leader=True).select_related("member"),
    to_attr="leaders",
)
_DEAL = "deal__variant__product"


def deals_on(*, at: datetime) -> QuerySet[GroupDeal]:
    """Return the deals that open groups now, with their steps."""
    return (
        GroupDeal.objects.filter(
            Q(ends_at__isnull=True) | Q(ends_at__gt=at),
            state=GroupDeal.State.LIVE,
            starts_at__lte=at,
            rungs__isnull=False,
        )
        .distinct()
        .select_related("variant__product")
        .prefetch_related("rungs")
    )


def groups_to_join(*, deal_id: int, at: datetime) -> QuerySet[Group]:
    """Return open groups of a deal with a free seat, those that end first in front."""
    open_ones = Group.objects.filter(
        deal_id=deal_id,
        state=Group.State.OPEN,
        deadline_at__gt=at,
        size__gt=F("held") + F("paid"),
    )
    return open_ones.prefetch_related(_LEADERS).order_by("deadline_at", "pk")


def visible_groups() -> QuerySet[Group]:
    """Return groups whose leader has paid (G1), with their deals."""
    shown = Group.objects.filter(opened_at__isnull=False)
    return shown.select_related(_DEAL).prefetch_related(_LEADERS)


def seats_of(*, member_id: int) -> QuerySet[Seat]:
    """Return a member's seats with their groups, deals and orders."""
    return (
        Seat.objects.filter(member_id=member_id)
        .select_related("order", f"group__{_DEAL}")
        .prefetch_related(
            Prefetch(
                "group__seats",
                Seat.objects.filter(is_leader=True).select_related("member"),
                to_attr="leaders",
            )
        )
    )
