"""What the points of the real file must be, worked out from its orders by SQL alone.

One point for each whole 1.00 of goods of an order; of what an order earned, refunds
take the share of the goods they took, rounded down once over all of them (P6, P19).
"""

from dataclasses import dataclass

from django.db import connection

_BY_MEMBER = """
WITH bought AS (
    SELECT o.id, o.member_id, sum(l.net_minor) AS basis
      FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id
     WHERE o.source = 'online-retail' AND o.member_id IS NOT NULL
       AND l.kind = 'goods' GROUP BY 1, 2),
taken AS (
    SELECT r.order_id, sum(k.amount_minor) AS goods
      FROM orders_refund r JOIN orders_refundline k ON k.refund_id = r.id
      JOIN orders_orderline l ON l.id = k.order_line_id
     WHERE l.kind = 'goods' GROUP BY 1),
worth AS (
    SELECT b.member_id, b.basis, coalesce(t.goods, 0) AS goods,
           floor(b.basis / 100.0)::bigint AS earned
      FROM bought b LEFT JOIN taken t ON t.order_id = b.id),
brought AS (
    SELECT member_id, sum(floor(amount_minor / 100.0)) AS points,
           sum(amount_minor) AS goods
      FROM orders_unmatchedreturn WHERE kind = 'goods' AND member_id IS NOT NULL
     GROUP BY 1),
due AS (
    SELECT member_id, sum(earned) AS earned, sum(basis - goods) AS net,
           sum(CASE WHEN basis > 0
               THEN floor(earned * least(goods, basis) / basis) ELSE 0 END) AS taken
      FROM worth GROUP BY 1),
ledger AS (
    SELECT account_id,
           coalesce(sum(points) FILTER (WHERE kind = 'earn'), 0) AS earned,
           coalesce(-sum(points - coalesce((trace ->> 'waived')::bigint, 0))
             FILTER (WHERE source LIKE 'refund:%%'), 0) AS taken,
           coalesce(-sum(points - coalesce((trace ->> 'waived')::bigint, 0))
             FILTER (WHERE source LIKE 'return:%%'), 0) AS brought
      FROM loyalty_pointsentry GROUP BY 1),
counted AS (
    SELECT member_id, sum(value_minor) AS value FROM loyalty_qualifyingentry GROUP BY 1)
SELECT m.id,
       coalesce(l.earned, 0), coalesce(d.earned, 0),
       coalesce(l.taken, 0), coalesce(d.taken, 0),
       coalesce(l.brought, 0), coalesce(b.points, 0),
       coalesce(c.value, 0), coalesce(d.net, 0) - coalesce(b.goods, 0)
  FROM members_member m
  LEFT JOIN ledger l ON l.account_id = m.id LEFT JOIN due d ON d.member_id = m.id
  LEFT JOIN brought b ON b.member_id = m.id LEFT JOIN counted c ON c.member_id = m.id
 WHERE m.source = 'online-retail'
"""
_TOTALS = """
SELECT (SELECT sum(points) FROM loyalty_pointsentry),
       (SELECT sum(points) FROM loyalty_pointsentry WHERE kind = 'earn'),
       (SELECT coalesce(sum((trace ->> 'waived')::bigint), 0)
          FROM loyalty_pointsentry),
       (SELECT sum(balance) FROM loyalty_pointsaccount),
       (SELECT sum(debt) FROM loyalty_pointsaccount),
       (SELECT count(*) FROM loyalty_pointsentry WHERE balance_after < 0)
"""


@dataclass(frozen=True, slots=True)
class Totals:
    """Points of the whole ledger."""

    points: int
    earned: int
    waived: int
    balance: int
    debt: int
    #: Entries after which a member owed points.
    below_zero: int


def totals() -> Totals:
    """Add the ledger up."""
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS)
        return Totals(*map(int, cursor.fetchone()))


def differing_members() -> tuple[int, list[tuple]]:
    """Return how many members there are, and those whose points are not as due."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_MEMBER)
        rows = cursor.fetchall()
    wrong = [
        row
        for row in rows
        if any(is_ != due for is_, due in zip(row[1::2], row[2::2], strict=True))
    ]
    return len(rows), wrong
