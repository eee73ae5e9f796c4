"""Orders that wait for more than their payment, and how the waiting ends (G15)."""

from collections.abc import Collection
from datetime import datetime

from django.db import connection, transaction

from crm.shared.outbox import record_all
from orders.events import OrderPaid

#: In the order of keys, as everybody who locks several orders.
_STOP = """
WITH mine AS (
    SELECT id FROM orders_order
     WHERE id = ANY(%(ids)s) AND state = 'paid' AND waits_for <> ''
     ORDER BY id FOR NO KEY UPDATE
)
UPDATE orders_order o SET waits_for = '', paid_at = %(now)s
  FROM mine WHERE o.id = mine.id
RETURNING o.id
"""


@transaction.atomic
def stop_waiting(*, order_ids: Collection[int], now: datetime) -> list[int]:
    """Let paid orders be purchases from now on and publish ``OrderPaid`` for each.

    All of them in one statement; what waits for its payment still, or for nothing, is
    left alone, so that calling again is harmless.

    Returns:
        The keys of those that waited, ascending.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STOP, {"ids": sorted(order_ids), "now": now})
        ids = sorted(pk for (pk,) in cursor.fetchall())
    record_all(OrderPaid(order_id=pk) for pk in ids)
    return ids
