"""Keep the sums that report pages read. Set-based: no row passes through Python."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction

from crm.shared.dates import bounds_of_day
from orders.models import Order

#: Any constant that nothing else locks: "rollups" in ASCII.
_ADVISORY_LOCK = 0x726F6C6C757073
_STATEMENT_TIMEOUT = "60s"
#: An order is paid within minutes of being placed; this is ample.
_LOOK_BACK = timedelta(days=2)
_CHUNK = timedelta(days=366)

_SPAN = """
SELECT min(at), max(at) FROM (
  SELECT min(placed_at) AS at FROM orders_order
  UNION ALL SELECT max(placed_at) FROM orders_order
  UNION ALL SELECT min(completed_at) FROM orders_refund
  UNION ALL SELECT max(completed_at) FROM orders_refund
  UNION ALL SELECT min(occurred_at) FROM orders_unmatchedreturn
  UNION ALL SELECT max(occurred_at) FROM orders_unmatchedreturn
  UNION ALL SELECT min(occurred_at) FROM orders_adjustment
  UNION ALL SELECT max(occurred_at) FROM orders_adjustment
) AS ends
"""
_CLEAR = "DELETE FROM reports_dailysales WHERE day >= %(first)s AND day < %(last)s"
_FILL = """
INSERT INTO reports_dailysales
  (day, channel_id, orders, buyers, sales_minor, refunds_minor, adjustments_minor,
   refreshed_at)
SELECT day, channel_id, sum(orders), sum(buyers), sum(sales), sum(refunds),
       sum(adjustments), %(now)s
FROM (
  SELECT (placed_at AT TIME ZONE %(zone)s)::date AS day, channel_id,
         count(*) AS orders, count(DISTINCT member_id) AS buyers,
         sum(total_minor) AS sales, 0 AS refunds, 0 AS adjustments
    FROM orders_order
   WHERE paid_at IS NOT NULL AND placed_at >= %(start)s AND placed_at < %(end)s
   GROUP BY 1, 2
  UNION ALL
  SELECT (r.completed_at AT TIME ZONE %(zone)s)::date, o.channel_id, 0, 0, 0,
         sum(r.amount_minor), 0
    FROM orders_refund r JOIN orders_order o ON o.id = r.order_id
   WHERE r.state = 'completed' AND o.waits_for = ''
     AND r.completed_at >= %(start)s AND r.completed_at < %(end)s
   GROUP BY 1, 2
  UNION ALL
  SELECT (occurred_at AT TIME ZONE %(zone)s)::date, NULL::bigint, 0, 0, 0,
         sum(amount_minor), 0
    FROM orders_unmatchedreturn
   WHERE occurred_at >= %(start)s AND occurred_at < %(end)s
   GROUP BY 1
  UNION ALL
  SELECT (occurred_at AT TIME ZONE %(zone)s)::date, NULL::bigint, 0, 0, 0, 0,
         sum(amount_minor)
    FROM orders_adjustment
   WHERE occurred_at >= %(start)s AND occurred_at < %(end)s
   GROUP BY 1
) AS parts
GROUP BY day, channel_id
"""


def refresh_rollups(*, now: datetime, since: datetime | None = None) -> int:
    """Compute the sums of days anew and return how many rows stand there.

    Sales count on the day the order was placed, once it is paid; refunds on the day
    the money went back; returns without a purchase count as refunds.

    Args:
        now: the time the sums are as of, aware.
        since: from the day of this moment on; None means all days there are.
    """
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = '{_STATEMENT_TIMEOUT}'")
        # One at a time: two at once would both clear and both fill.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
        cursor.execute(_SPAN)
        earliest, latest = cursor.fetchone()
        if since is None:
            cursor.execute("DELETE FROM reports_dailysales")
            since = earliest
        if since is None:
            return 0
        first = since.astimezone(zone).date()
        last = max(now, latest or now).astimezone(zone).date() + timedelta(days=1)
        rows = 0
        while first < last:
            end = min(first + _CHUNK, last)
            rows += _refresh_days(cursor, first, end, now=now, zone=zone)
            first = end
        return rows


def refresh_recent(*, now: datetime) -> int:
    """Compute the last days anew: all that can still change by itself."""
    return refresh_rollups(now=now, since=now - _LOOK_BACK)


def refresh_day_of_order(*, order_id: int, now: datetime) -> int:
    """Compute the day of an order anew if the regular runs no longer look at it.

    Other systems tell of orders days later. Returns how many rows stand there; 0 for
    an order of the last days, which the next regular run counts.
    """
    placed_at = Order.objects.values_list("placed_at", flat=True).get(pk=order_id)
    if placed_at >= now - _LOOK_BACK:
        return 0
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    day = placed_at.astimezone(zone).date()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
        return _refresh_days(cursor, day, day + timedelta(days=1), now=now, zone=zone)


def _refresh_days(cursor, first: date, last: date, *, now: datetime, zone) -> int:
    """Compute ``[first, last)`` anew and return how many rows stand there."""
    values = {
        "first": first,
        "last": last,
        "start": bounds_of_day(first, zone)[0],
        "end": bounds_of_day(last, zone)[0],
        "zone": settings.SHOP_TIME_ZONE,
        "now": now,
    }
    cursor.execute(_CLEAR, values)
    cursor.execute(_FILL, values)
    return cursor.rowcount
