"""Reads of the campaigns app."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from json import loads
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import (
    Count,
    F,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Sum,
)
from django.db.models.functions import Coalesce, TruncDate

from campaigns.models import (
    Budget,
    Coupon,
    CouponTemplate,
    Group,
    GroupDeal,
    Message,
    Promotion,
    PromotionUse,
    Seat,
    UseTally,
)
from campaigns.rules.burning import Burned
from campaigns.rules.coupon_limits import Limits, Slot
from campaigns.rules.coupons import Terms
from campaigns.rules.recipes import Goods
from crm.shared.planned import planned_cursor
from orders.models import Brand, Category, Product, Variant
from orders.rules.offers import Gift

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

_VERSION = "SELECT version FROM campaigns_promotionversion"
#: The same as ``redeemable`` below.
_REDEEMABLE = """r.state = 'live' AND r.starts_at <= %(now)s
       AND (r.ends_at IS NULL OR r.ends_at > %(now)s)
       AND (r.valid_from IS NULL OR r.valid_from <= %(now)s)
       AND (r.valid_until IS NULL OR r.valid_until > %(now)s)"""
#: Own coupons by their code or the public one they came by, and codes that would
#: become one: of a batch, or public. The best of each code comes last.
_VERSION_AND_COUPONS = """
SELECT v.version, f.typed, f.source_id, f.state, f.order_id, o.state, o.public_id,
       f.usable_from, f.expires_at,
       coalesce(f.terms, jsonb_build_object(
           'kind', t.kind, 'amount_minor', t.amount_minor, 'percent_bp', t.percent_bp,
           'cap_minor', t.cap_minor, 'min_spend_minor', t.min_spend_minor,
           'name', t.name, 'name_en', t.name_en, 'returns', t.returns,
           'on_return', t.on_return)),
       t.id, b.amount_minor - b.reserved_minor - b.spent_minor,
       t.limit_total, t.limit_member, t.period, t.limit_period, t.limit_member_period,
       t.for_first_order, f.is_used_up
  FROM campaigns_promotionversion v
  LEFT JOIN LATERAL (
    SELECT c.code AS typed, c.public_id AS source_id, c.state, c.order_id,
           c.usable_from, c.expires_at, c.terms, c.template_id, false AS is_used_up
      FROM campaigns_coupon c
     WHERE c.member_id = %(member)s AND c.code = ANY(%(codes)s)
    UNION ALL
    SELECT p.code, c.public_id, c.state, c.order_id, c.usable_from, c.expires_at,
           c.terms, c.template_id, NOT p.is_active OR p.used >= p.limit_total
      FROM campaigns_publiccode p JOIN campaigns_coupon c ON c.public_code_id = p.id
     WHERE p.code = ANY(%(codes)s) AND c.member_id = %(member)s
       AND c.state IN ('available', 'held')
    UNION ALL
    SELECT k.code, 'code:' || k.code, 'code', NULL, NULL, NULL, NULL, a.template_id,
           false
      FROM campaigns_couponcode k JOIN campaigns_couponbatch a ON a.id = k.batch_id
      JOIN campaigns_coupontemplate r ON r.id = a.template_id
     WHERE k.code = ANY(%(codes)s) AND k.state = 'free'
       AND a.revoked_at IS NULL AND REDEEMABLE
    UNION ALL
    SELECT p.code, 'code:' || p.code, 'code', NULL, NULL, NULL, NULL, p.template_id,
           p.used >= p.limit_total
      FROM campaigns_publiccode p
      JOIN campaigns_coupontemplate r ON r.id = p.template_id
     WHERE p.code = ANY(%(codes)s) AND p.is_active AND REDEEMABLE
  ) f ON true
  LEFT JOIN campaigns_coupontemplate t ON t.id = f.template_id
  LEFT JOIN campaigns_budget b ON b.id = t.budget_id
  LEFT JOIN orders_order o ON o.id = f.order_id
 ORDER BY coalesce(f.order_id = %(order)s, false), array_position(
     ARRAY['available', 'code', 'held', 'used', 'expired', 'revoked'], f.state) DESC
""".replace("REDEEMABLE", _REDEEMABLE)


@dataclass(frozen=True, slots=True)
class CouponRow:
    """What a price needs to know of one coupon, or of a code that would become one.

    The latter has the state ``code`` and as ``source_id`` the code itself.
    """

    source_id: str
    state: str
    order_id: int | None
    #: State and public id of the order that holds it.
    order_state: str | None
    order_public_id: str | None
    usable_from: datetime | None
    expires_at: datetime | None
    terms: Terms
    template_id: int
    budget_left_minor: int | None
    limits: Limits
    #: The public code it came by works no more.
    is_used_up: bool = False


def promotions_on() -> QuerySet[Promotion]:
    """Return promotions that are on, whatever the time, and not used up."""
    return Promotion.objects.filter(
        Q(limit_total__isnull=True) | Q(used__lt=F("limit_total")),
        state=Promotion.State.LIVE,
    ).order_by("-priority", "starts_at", "id")


def budgets_left(
    *, budget_ids: Collection[int], order_id: int | None
) -> dict[int, int]:
    """Return what is left of budgets for automatic offers, in minor units.

    Args:
        order_id: an order that asks again has its own reservations back.
    """
    own = PromotionUse.objects.filter(
        budget=OuterRef("pk"), order=order_id, state=PromotionUse.State.HELD
    )
    sums = own.order_by().values("budget").annotate(sum=Sum("amount_minor"))
    left = Budget.objects.filter(pk__in=budget_ids).annotate(
        left=F("amount_minor")
        - F("reserved_minor")
        - F("spent_minor")
        + Coalesce(Subquery(sums.values("sum")), 0)
    )
    return dict(left.values_list("pk", "left"))


def gifts_by_sku(skus: Collection[str]) -> dict[str, Gift]:
    """Return the articles of some SKUs as gifts: one unit, at what it costs alone."""
    sold = Variant.objects.filter(sku__in=skus, is_active=True)
    return {
        sku: Gift(sku, 1, listed_minor=price, variant_id=pk)
        for pk, sku, price in sold.values_list("pk", "sku", "price_minor")
    }


def claimable_templates(*, at: datetime) -> QuerySet[CouponTemplate]:
    """Return what the claim centre (领券中心) offers now."""
    return CouponTemplate.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=at),
        Q(stock__isnull=True) | Q(issued__lt=F("stock")),
        state=CouponTemplate.State.LIVE,
        is_claimable=True,
        starts_at__lte=at,
    ).order_by("-starts_at", "id")


def claim_centre(*, member_id: int, at: datetime) -> QuerySet[CouponTemplate]:
    """Return what the claim centre shows a member: on offer, soon, and all gone.

    Each comes with ``claimed``: how many this member ever claimed (C2).
    """
    mine = claims(member_id=member_id).filter(template=OuterRef("pk"))
    counted = mine.order_by().values("template").annotate(n=Count("pk")).values("n")
    return CouponTemplate.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=at),
        state=CouponTemplate.State.LIVE,
        is_claimable=True,
    ).annotate(claimed=Coalesce(Subquery(counted), 0))


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
    return CouponTemplate.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=at),
        Q(valid_from__isnull=True) | Q(valid_from__lte=at),
        Q(valid_until__isnull=True) | Q(valid_until__gt=at),
        state=CouponTemplate.State.LIVE,
        starts_at__lte=at,
    )


def claims(*, member_id: int) -> QuerySet[Coupon]:
    """Return every coupon a member ever claimed (C2).

    Used and expired ones count, and those that came over with a merge.
    """
    came_over = Q(source__startswith="mrg_") & ~Q(state=Coupon.State.REVOKED)
    return Coupon.objects.filter(
        Q(source__startswith="claim:") | came_over, member_id=member_id
    )


def full_slots(wanted: Iterable[tuple[int, Slot]]) -> dict[int, str]:
    """Return of each template whose limit is reached why, as a code of a refusal.

    Args:
        wanted: slots that a use would take, with the primary key of the template.
    """
    slots = list(wanted)
    if not slots:
        return {}
    known = {
        (tally.template_id, tally.whose, tally.period): tally.used
        for tally in UseTally.objects.filter(
            template_id__in={template for template, _slot in slots},
            whose__in={slot.whose for _template, slot in slots},
        )
    }
    return {
        template: slot.reason
        for template, slot in reversed(slots)
        if known.get((template, slot.whose, slot.period), 0) >= slot.most
    }


def version_and_coupons(
    *,
    member_id: int | None,
    codes: Collection[str],
    order_id: int | None = None,
    at: datetime,
) -> tuple[UUID, dict[str, CouponRow]]:
    """Return the version of promotions and what typed codes mean, in one statement.

    Args:
        codes: normalised; those of others and of nobody are not in the answer (C24).
        order_id: an order that asks again; what it holds already comes first (C6).
    """
    asked = {"member": member_id, "codes": list(codes), "order": order_id, "now": at}
    with planned_cursor() as cursor:
        if codes:
            cursor.execute(_VERSION_AND_COUPONS, asked)
        else:
            cursor.execute(_VERSION)
        rows = cursor.fetchall()
    if not codes:
        return rows[0][0], {}
    # The best of each code comes last and stays.
    found = {row[1]: _coupon_row(*row[2:]) for row in rows if row[1] is not None}
    return rows[0][0], found


def _coupon_row(*columns) -> CouponRow:
    *known, terms, template_id, left, total, member, period = columns[:13]
    in_period, member_in_period, first_only, is_used_up = columns[13:]
    return CouponRow(
        *known,
        terms=Terms(**loads(terms)),
        template_id=template_id,
        budget_left_minor=left,
        limits=Limits(total, member, period, in_period, member_in_period, first_only),
        is_used_up=bool(is_used_up),
    )


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


def names_of_goods(goods: Goods) -> dict[str, dict[int, str]]:
    """Return what the categories, products and brands of a recipe are called."""
    models = {"categories": Category, "products": Product, "brands": Brand}
    found: dict[str, dict[int, str]] = {}
    for name, model in models.items():
        wanted = {*getattr(goods, name), *getattr(goods, f"not_{name}")}
        if wanted:
            rows = model.objects.filter(pk__in=wanted)
            found[name] = {row.pk: str(row) for row in rows}
    return found


def burned_by_day(*, promotion_id: int, since: datetime) -> list[Burned]:
    """Return what the days of the shop took of a promotion; freed uses left out."""
    day = TruncDate("taken_at", tzinfo=ZoneInfo(settings.SHOP_TIME_ZONE))
    uses = PromotionUse.objects.filter(
        promotion_id=promotion_id, taken_at__gte=since
    ).exclude(state=PromotionUse.State.FREED)
    rows = uses.annotate(day=day).values("day").order_by("day")
    counted = rows.annotate(uses=Count("pk"), amount=Sum("amount_minor"))
    return [Burned(row["day"], row["uses"], row["amount"]) for row in counted]
