"""What members spent, counted afresh from their orders."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from loyalty.services.posting import locked_account
from orders.models import Order

#: Counted anew rather than added up: facts may come twice, late or in any order (X2).
#: A fully refunded order is none (R19); its money is gone as well. An order that
#: replaces units of another is no second purchase, and none of a later day (R13).
_COUNT = """
INSERT INTO loyalty_membervalue AS v (
    member_id, orders, net_minor, first_order_at, last_order_at)
SELECT m.id, bought.orders, bought.paid - back.refunded - lost.returned,
       bought.first_at, bought.last_at
  FROM unnest(%(members)s::bigint[]) AS m (id)
  CROSS JOIN LATERAL (
    WITH RECURSIVE purchase AS (
        SELECT o.id, o.id AS first_id, o.placed_at, o.state, o.paid_minor, o.paid_at
          FROM orders_order o
         WHERE o.member_id = m.id AND o.exchange_of_id IS NULL
        UNION ALL
        SELECT o.id, p.first_id, p.placed_at, o.state, o.paid_minor, o.paid_at
          FROM purchase p JOIN orders_order o ON o.exchange_of_id = p.id)
    SELECT count(DISTINCT p.first_id)
             FILTER (WHERE p.state <> 'refunded') AS orders,
           coalesce(sum(p.paid_minor), 0) AS paid,
           min(p.placed_at) FILTER (WHERE p.state <> 'refunded') AS first_at,
           max(p.placed_at) FILTER (WHERE p.state <> 'refunded') AS last_at
      FROM purchase p
     WHERE p.paid_at IS NOT NULL AND p.state NOT IN ('pending', 'cancelled')) bought
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


@transaction.atomic
def count_value_of_buyer(*, order_id: int, now: datetime) -> None:
    """Count what the buyer of an order is worth afresh; nothing for nobody's."""
    member_id = Order.objects.values_list("member_id", flat=True).get(pk=order_id)
    if member_id is not None:
        account = locked_account(member_id=member_id, now=now)
        count_value(member_ids=[account.pk])


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
