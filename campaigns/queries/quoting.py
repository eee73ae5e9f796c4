"""What a price needs to know of campaigns, in one statement."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from campaigns.rules.coupon_limits import Limits
from campaigns.rules.coupons import Terms
from campaigns.rules.needs import NOTHING, Needs, Told
from crm.shared.planned import planned_cursor
from orders.queries.gifts import GIFT_ARTICLES, articles_of
from orders.queries.purchases import PURCHASES, purchases_asked, purchases_of

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
           'on_return', t.on_return, 'for_first_order', t.for_first_order,
           'skips_discounted', t.skips_discounted)),
       t.id, b.amount_minor - b.reserved_minor - b.spent_minor, b.id,
       t.limit_total, t.limit_member, t.period, t.limit_period, t.limit_member_period,
       f.is_used_up
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


#: What is left of the budgets ``budgets`` of a statement, as JSON, in minor units. An
#: order that asks again has its own reservations back.
_BUDGETS_LEFT = """(
    SELECT json_object_agg(b.id, b.amount_minor - b.reserved_minor - b.spent_minor
        + coalesce((SELECT sum(u.amount_minor) FROM campaigns_promotionuse u
                     WHERE u.budget_id = b.id AND u.order_id = %(asking)s
                       AND u.state = 'held'), 0))
      FROM campaigns_budget b WHERE b.id = ANY(%(budgets)s)
)"""
#: How many units promotions ``limited`` have left for ``buyer``, as JSON; likewise.
_UNITS_LEFT = """(
    SELECT json_object_agg(p.public_id, least(
        p.limit_units - p.used_units
        + coalesce((SELECT sum(u.units) FROM campaigns_promotionuse u
                     WHERE u.promotion_id = p.id AND u.order_id = %(asking)s
                       AND u.state = 'held'), 0),
        CASE WHEN p.limit_member_units IS NOT NULL THEN p.limit_member_units
        - coalesce((SELECT sum(u.units) FROM campaigns_promotionuse u
                      JOIN orders_order o ON o.id = u.order_id
                     WHERE u.promotion_id = p.id AND o.member_id = %(buyer)s
                       AND u.state <> 'freed'
                       AND u.order_id IS DISTINCT FROM %(asking)s), 0) END))
      FROM campaigns_promotion p WHERE p.public_id = ANY(%(limited)s)
       AND (p.limit_units IS NOT NULL OR p.limit_member_units IS NOT NULL)
)"""
#: Marks of the segments that ``segmented`` is in.
_SEGMENTS = """(
    SELECT json_agg('segment:' || s.code) FROM campaigns_segmentmember i
      JOIN campaigns_segment s ON s.id = i.segment_id
     WHERE i.member_id = %(segmented)s
)"""
#: Beside the version: what offers ask about the buyer, gifts, budgets and units.
_FACTS = f"{PURCHASES}, {GIFT_ARTICLES}, {_BUDGETS_LEFT}, {_UNITS_LEFT}, {_SEGMENTS}"
#: So many columns.
_COUNT = 5
_FACTS_ALONE = f"SELECT {_FACTS}"
_VERSION_AND_FACTS = _VERSION.replace("version ", f"version, {_FACTS} ")
_FACTS_AND_COUPONS = _VERSION_AND_COUPONS.replace("v.version,", f"v.version, {_FACTS},")


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
    budget_id: int | None
    limits: Limits
    #: The public code it came by works no more.
    is_used_up: bool = False


def version_and_coupons(
    *,
    member_id: int | None,
    codes: Collection[str],
    order_id: int | None = None,
    needs: Needs = NOTHING,
    at: datetime,
) -> tuple[UUID, Told, dict[str, CouponRow]]:
    """Return the version of promotions and what typed codes mean, in one statement.

    Args:
        codes: normalised; those of others and of nobody are not in the answer (C24).
        order_id: an order that asks again; what it holds already comes first (C6).
        needs: what offers ask besides, as far as anybody knows before.
    """
    asked = {"member": member_id, "codes": list(codes), "order": order_id, "now": at}
    with planned_cursor() as cursor:
        if codes:
            statement = _FACTS_AND_COUPONS if needs.is_read else _VERSION_AND_COUPONS
            cursor.execute(statement, asked | _facts_asked(member_id, order_id, needs))
        elif needs.is_read:
            facts = _facts_asked(member_id, order_id, needs)
            cursor.execute(_VERSION_AND_FACTS, facts)
        else:
            cursor.execute(_VERSION)
        rows = cursor.fetchall()
    told, first = Told(), 1
    if needs.is_read:
        told, first = _told(needs, rows[0][1 : 1 + _COUNT]), 1 + _COUNT
    if not codes:
        return rows[0][0], told, {}
    # The best of each code comes last and stays.
    coupons = (row[first:] for row in rows)
    found = {row[0]: _coupon_row(*row[1:]) for row in coupons if row[0] is not None}
    return rows[0][0], told, found


def told_of(*, member_id: int | None, order_id: int | None, needs: Needs) -> Told:
    """Return what offers ask of buyer, gifts and budgets, in one statement.

    Args:
        order_id: an order that asks again; it is none of those before.
    """
    with planned_cursor() as cursor:
        cursor.execute(_FACTS_ALONE, _facts_asked(member_id, order_id, needs))
        return _told(needs, cursor.fetchone())


def _facts_asked(
    member_id: int | None, order_id: int | None, needs: Needs
) -> dict[str, object]:
    buyer = member_id if needs.orders else None
    return purchases_asked(member_id=buyer, order_id=order_id) | {
        "gifts": sorted(needs.gifts),
        "budgets": sorted(needs.budgets),
        "limited": sorted(needs.limited),
        "buyer": member_id,
        "segmented": member_id if needs.segments else None,
    }


def _told(needs: Needs, facts: Sequence[Any]) -> Told:
    purchases, articles, budgets, units, segments = facts
    left = {int(pk): int(minor) for pk, minor in (budgets or {}).items()}
    buyer = purchases_of(purchases)
    marks = frozenset(segments or ())
    return Told(needs, *buyer, articles_of(articles), left, units or {}, marks)


def _coupon_row(*columns) -> CouponRow:
    *known, terms, template_id, left, budget, total, member, period = columns[:14]
    in_period, member_in_period, is_used_up = columns[14:]
    promise = Terms(**terms)
    first_only = promise.for_first_order
    return CouponRow(
        *known,
        terms=promise,
        template_id=template_id,
        budget_left_minor=left,
        budget_id=budget,
        limits=Limits(total, member, period, in_period, member_in_period, first_only),
        is_used_up=bool(is_used_up),
    )
