"""The terms of the program, and what a price needs of them."""

from dataclasses import dataclass
from datetime import datetime

from crm.shared.planned import planned_cursor
from loyalty.models import Program


def program() -> Program:
    """Return the points program; the first migration writes it."""
    return Program.objects.get()


_PURSE = """
SELECT p.redeem_max_bp, p.redeem_step, p.redeem_minor_per_100,
       COALESCE(a.is_frozen, false), COALESCE(a.debt, 0), COALESCE(t.code, ''),
       (SELECT COALESCE(sum(l.remaining - l.held), 0)::bigint
          FROM loyalty_pointslot l
         WHERE l.account_id = a.member_id AND l.remaining > 0
           AND l.active_at <= %(at)s
           AND (l.expires_at > %(at)s OR l.expires_at IS NULL)),
       COALESCE((SELECT h.points FROM loyalty_pointshold h
          JOIN orders_order o ON h.source = 'order:' || o.public_id
         WHERE o.id = %(order)s AND h.state = 'open'), 0),
       COALESCE((SELECT n.code FROM loyalty_subscription s
          JOIN loyalty_plan n ON n.id = s.plan_id
         WHERE s.member_id = %(member)s AND s.state IN ('trial', 'active', 'grace')),
         '')
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
    is_frozen: bool
    debt: int
    tier_code: str
    #: Of active lots, without what is held for orders.
    free: int
    #: Held for the order that asks again (C6).
    own_hold: int
    #: Of the paid plan held.
    plan_code: str

    @property
    def available(self) -> int:
        """Return what this order may spend (P2, P14); nothing in debt (P18)."""
        return (0 if self.is_frozen or self.debt else self.free) + self.own_hold


def purse(*, member_id: int, at: datetime, order_id: int | None = None) -> Purse:
    """Return terms, points and tier of a member at ``at``, in one statement."""
    with planned_cursor() as cursor:
        cursor.execute(_PURSE, {"member": member_id, "at": at, "order": order_id})
        return Purse(*cursor.fetchone())
