"""The terms of the program, and what a price needs of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.shared.planned import planned_cursor
from loyalty.models import Program
from orders.rules.offers import PriceRequest


def program() -> Program:
    """Return the points program; the first migration writes it."""
    return Program.objects.get()


_PURSE = """
SELECT p.redeem_max_bp, p.redeem_step, p.redeem_minor_per_100,
       p.redeem_min_points, p.redeem_max_points,
       COALESCE(a.is_frozen, false), COALESCE(a.debt, 0), COALESCE(t.code, ''),
       (SELECT COALESCE(sum(l.remaining - l.held - l.asked_back), 0)::bigint
          FROM loyalty_pointslot l
         WHERE l.account_id = a.member_id AND l.is_open
           AND l.active_at <= %(at)s
           AND (l.expires_at > %(at)s OR l.expires_at IS NULL)),
       COALESCE((SELECT h.points FROM loyalty_pointshold h
          JOIN orders_order o ON h.source = 'order:' || o.public_id
         WHERE o.id = %(order)s AND h.state = 'open'), 0),
       COALESCE((SELECT n.code FROM loyalty_subscription s
          JOIN loyalty_plan n ON n.id = s.plan_id
         WHERE s.member_id = %(member)s AND s.state IN ('trial', 'active', 'grace')),
         ''),
       p.redeems_freight, p.redeems_gift_cards, p.redeems_plans,
       (SELECT m.joined_at FROM members_member m WHERE m.id = %(member)s),
       (SELECT json_agg(json_build_object(
                   'id', b.id, 'public_id', b.public_id, 'code', b.code,
                   'name', b.name, 'name_en', b.name_en, 'period', b.period,
                   'grants',
                   (SELECT json_agg(json_build_array(g.audience, g.condition, g.quota)
                                    ORDER BY g.id)
                      FROM loyalty_benefitgrant g WHERE g.benefit_id = b.id),
                   'tallies',
                   (SELECT json_agg(json_build_array(t.period_start, t.used, t.bought))
                      FROM loyalty_benefittally t
                     WHERE t.member_id = %(member)s AND t.benefit_id = b.id
                       AND t.period_start > %(at)s::timestamptz - interval '368 days')
               ) ORDER BY b.code)
          FROM loyalty_benefit b
         WHERE b.kind = 'free_freight' AND b.is_active
           AND NOT EXISTS (
               SELECT FROM loyalty_benefitsanction s
                WHERE s.member_id = %(member)s AND s.benefit_id = b.id
                  AND s.starts_at <= %(at)s
                  AND (s.ends_at > %(at)s OR s.ends_at IS NULL)))
  FROM loyalty_program p
  LEFT JOIN loyalty_pointsaccount a ON a.member_id = %(member)s
  LEFT JOIN loyalty_tier t ON t.id = a.tier_id
"""


@dataclass(frozen=True, slots=True)
class Purse:
    """What a price needs to know of a member's points and tier."""

    share_bp: int
    step: int
    minor_per_100: int
    #: Of one order: fewer are not spent, and no more; 0 is no such bound (P22).
    min_points: int
    max_points: int
    is_frozen: bool
    debt: int
    tier_code: str
    #: Of active lots, without what is held for orders.
    free: int
    #: Held for the order that asks again (C6).
    own_hold: int
    #: Of the paid plan held.
    plan_code: str
    #: What points may pay besides goods (P23).
    redeems_freight: bool = False
    redeems_gift_cards: bool = False
    redeems_plans: bool = False
    joined_at: datetime | None = None
    #: Free deliveries that no sanction takes away, with all grants and own counts;
    #: ``loyalty.queries.free_freight`` reads them.
    free_freight: Sequence[dict[str, Any]] | None = None

    @property
    def available(self) -> int:
        """Return what this order may spend (P2, P14); nothing in debt (P18)."""
        return (0 if self.is_frozen or self.debt else self.free) + self.own_hold

    @property
    def marks(self) -> frozenset[str]:
        """Return the marks of the tier and the plan held."""
        marks = {"tier": self.tier_code, "plan": self.plan_code}
        return frozenset(f"{kind}:{code}" for kind, code in marks.items() if code)


def purse_for(request: PriceRequest) -> Purse:
    """Return the purse of a request's member, read once for all who ask.

    The request has a member.
    """
    asked = ("loyalty", request.member_id, request.order_id)
    if asked not in request.reads:
        assert request.member_id is not None
        request.reads[asked] = purse(
            member_id=request.member_id, at=request.now, order_id=request.order_id
        )
    return request.reads[asked]


def purse(*, member_id: int, at: datetime, order_id: int | None = None) -> Purse:
    """Return terms, points and tier of a member at ``at``, in one statement."""
    with planned_cursor() as cursor:
        cursor.execute(_PURSE, {"member": member_id, "at": at, "order": order_id})
        return Purse(*cursor.fetchone())
