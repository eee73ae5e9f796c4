"""What members spent, counted afresh from their orders."""

from collections.abc import Sequence

from django.db import connection

#: Counted anew rather than added up: facts may come twice, late or in any order (X2).
#: A fully refunded order is none (R19); its money is gone as well. An order that
#: replaces units of another is no second purchase.
_COUNT = """
INSERT INTO loyalty_membervalue AS v (
    member_id, orders, net_minor, first_order_at, last_order_at)
SELECT m.id, bought.orders, bought.paid - back.refunded - lost.returned,
       bought.first_at, bought.last_at
  FROM unnest(%(members)s::bigint[]) AS m (id)
  CROSS JOIN LATERAL (
    SELECT count(DISTINCT coalesce(o.exchange_of_id, o.id))
             FILTER (WHERE o.state <> 'refunded') AS orders,
           coalesce(sum(o.paid_minor), 0) AS paid,
           min(o.placed_at) FILTER (WHERE o.state <> 'refunded') AS first_at,
           max(o.placed_at) FILTER (WHERE o.state <> 'refunded') AS last_at
      FROM orders_order o
     WHERE o.member_id = m.id AND o.paid_at IS NOT NULL
       AND o.state NOT IN ('pending', 'cancelled')) bought
  CROSS JOIN LATERAL (
    SELECT coalesce(sum(f.amount_minor), 0) AS refunded
      FROM orders_order o JOIN orders_refund f ON f.order_id = o.id
     WHERE o.member_id = m.id AND o.paid_at IS NOT NULL
       AND o.state NOT IN ('pending', 'cancelled') AND f.state = 'completed') back
  CROSS JOIN LATERAL (
    SELECT coalesce(sum(u.amount_minor), 0) AS returned
      FROM orders_unmatchedreturn u WHERE u.member_id = m.id) lost
ON CONFLICT (member_id) DO UPDATE
   SET orders = excluded.orders, net_minor = excluded.net_minor,
       first_order_at = excluded.first_order_at, last_order_at = excluded.last_order_at
 WHERE (v.orders, v.net_minor, v.first_order_at, v.last_order_at) IS DISTINCT FROM
       (excluded.orders, excluded.net_minor, excluded.first_order_at,
        excluded.last_order_at)
"""


def count_value(*, member_ids: Sequence[int]) -> int:
    """Count orders and spending of members whose accounts are locked.

    Completed refunds and returns that match no purchase are taken off; everything on
    the invoice counts, freight and fees too, unlike the basis of points.

    Returns:
        How many members' values are new.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"members": sorted(set(member_ids))})
        return cursor.rowcount
