"""What a member saved: reductions of orders as they were stored, and benefits used."""

from dataclasses import dataclass
from datetime import datetime

from crm.shared.planned import planned_cursor
from orders.rules.lifecycle import STANDING

#: Of a line that was given back in part, the part that was kept.
_SAVED = """
SELECT a.source_kind, sum(a.amount_minor
           * (l.quantity - l.refunded_quantity) / l.quantity)::bigint
  FROM orders_order o
  JOIN orders_orderline l ON l.order_id = o.id
  JOIN orders_allocation a ON a.line_id = l.id
 WHERE o.member_id = %(member)s AND o.state = ANY(%(standing)s)
   AND o.paid_at >= %(since)s AND o.paid_at < %(until)s
 GROUP BY 1
UNION ALL
SELECT 'benefit:' || b.code, sum(u.saved_minor)::bigint
  FROM loyalty_benefituse u JOIN loyalty_benefit b ON b.id = u.benefit_id
 WHERE u.member_id = %(member)s AND u.state = 'used'
   AND u.used_at >= %(since)s AND u.used_at < %(until)s
 GROUP BY 1
 ORDER BY 2 DESC, 1
"""


@dataclass(frozen=True, slots=True)
class Saved:
    """What one kind of source saved: ``promotion``, ``coupon``, ``benefit:<code>``."""

    source: str
    amount_minor: int


def saved_by_source(*, member_id: int, since: datetime, until: datetime) -> list[Saved]:
    """Return what a member saved in ``[since, until)``, most first, in one statement.

    Orders that came to nothing, and units given back, saved nothing.
    """
    with planned_cursor() as cursor:
        cursor.execute(
            _SAVED,
            {
                "member": member_id,
                "standing": list(STANDING),
                "since": since,
                "until": until,
            },
        )
        return [Saved(*row) for row in cursor.fetchall() if row[1]]
