"""What every member bought until a day, counted from the orders in one statement."""

from datetime import date
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.backends.utils import CursorWrapper

from crm.shared.dates import bounds_of_day
from loyalty.rules.intervals import LEAST_PURCHASES

#: One row per buyer, as ``loyalty.services.valuing`` counts: a fully refunded order is
#: none (R19), one that replaces units of another is no second purchase (R13). Orders
#: of one day of the shop are one purchase here. An order is refunded as of a day if no
#: refund of it came later. Who was erased is left out.
_HISTORY = """
CREATE TEMPORARY TABLE purchase_history ON COMMIT DROP AS
WITH RECURSIVE replacing (id, first_id) AS (
    SELECT id, exchange_of_id FROM orders_order WHERE exchange_of_id IS NOT NULL
    UNION ALL
    SELECT r.id, o.exchange_of_id
      FROM replacing r JOIN orders_order o ON o.id = r.first_id
     WHERE o.exchange_of_id IS NOT NULL
), replaces AS (
    SELECT r.id, r.first_id, o.placed_at
      FROM replacing r JOIN orders_order o ON o.id = r.first_id
     WHERE o.exchange_of_id IS NULL
), back AS (
    SELECT order_id,
           sum(amount_minor) FILTER (WHERE completed_at < %(until)s) AS refunded,
           bool_or(completed_at >= %(until)s) AS goes_on
      FROM orders_refund WHERE state = 'completed' GROUP BY order_id
), sold AS (
    SELECT o.member_id, coalesce(p.first_id, o.id) AS purchase_id,
           coalesce(p.placed_at, o.placed_at) AS placed_at,
           o.paid_minor - coalesce(b.refunded, 0) AS net_minor,
           o.state <> 'refunded' OR coalesce(b.goes_on, false) AS stands
      FROM orders_order o
      JOIN members_member m ON m.id = o.member_id AND m.state <> 'erased'
      LEFT JOIN replaces p ON p.id = o.id
      LEFT JOIN back b ON b.order_id = o.id
     WHERE o.paid_at < %(until)s AND o.state NOT IN ('pending', 'cancelled')
), days AS (
    SELECT member_id, (placed_at AT TIME ZONE %(zone)s)::date AS day,
           count(DISTINCT purchase_id) FILTER (WHERE stands) AS orders,
           sum(net_minor) AS net_minor,
           max(placed_at) FILTER (WHERE stands) AS last_at
      FROM sold GROUP BY 1, 2
), gaps AS (
    SELECT *, day - lag(day) OVER (PARTITION BY member_id, orders > 0 ORDER BY day)
                AS gap
      FROM days
), lost AS (
    SELECT member_id, sum(amount_minor) AS returned
      FROM orders_unmatchedreturn WHERE occurred_at < %(until)s GROUP BY 1
)
SELECT g.member_id, sum(g.orders)::int AS orders,
       (sum(g.net_minor) - coalesce(max(l.returned), 0))::bigint AS net_minor,
       max(g.last_at) AS last_at,
       min(g.day) FILTER (WHERE g.orders > 0) AS first_day,
       max(g.day) FILTER (WHERE g.orders > 0) AS last_day,
       (count(*) FILTER (WHERE g.orders > 0))::int AS days,
       coalesce(sum(g.net_minor) FILTER (WHERE g.orders > 0 AND g.gap > 0), 0)::bigint
         AS repeat_minor,
       CASE WHEN count(*) FILTER (WHERE g.orders > 0) >= %(least)s
            THEN floor(percentile_cont(0.5) WITHIN GROUP (
                         ORDER BY CASE WHEN g.orders > 0 THEN g.gap END) + 0.5)::int
       END AS interval_days
  FROM gaps g LEFT JOIN lost l ON l.member_id = g.member_id
 GROUP BY g.member_id HAVING sum(g.orders) > 0
"""


def tally_purchases(cursor: CursorWrapper, *, day: date) -> None:
    """Make the table ``purchase_history`` of this transaction, as of the end of a day.

    Its columns: ``member_id``; ``orders`` and ``net_minor`` as in ``MemberValue``;
    ``last_at``; ``first_day``, ``last_day`` and how many ``days`` with a purchase;
    ``repeat_minor``, what the days after the first brought; ``interval_days``.
    """
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    cursor.execute("DROP TABLE IF EXISTS purchase_history")
    cursor.execute(
        _HISTORY,
        {
            "until": bounds_of_day(day, zone)[1],
            "zone": settings.SHOP_TIME_ZONE,
            "least": LEAST_PURCHASES,
        },
    )
    cursor.execute("ANALYZE purchase_history")
