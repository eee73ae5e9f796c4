"""The figures of a closed month, one statement each, as of the end of the month."""

from datetime import date, datetime

from django.db import connection

from loyalty.models import PointsClose
from loyalty.rules.closing import Cohort

_MOVES = """
SELECT kind, coalesce(sum(points) FILTER (WHERE occurred_at >= %(start)s), 0)::bigint,
       coalesce(sum(points) FILTER (WHERE occurred_at < %(start)s), 0)::bigint
  FROM loyalty_pointsentry
 WHERE occurred_at < %(end)s
 GROUP BY kind ORDER BY kind
"""
#: What staff moved by hand in the month, or since the last closing for earlier ones.
_BY_HAND = """
SELECT reason_code, kind, count(*), sum(points)::bigint
  FROM loyalty_pointsentry
 WHERE reason_code <> '' AND occurred_at < %(end)s
   AND (occurred_at >= %(start)s OR id > %(after)s)
 GROUP BY 1, 2 ORDER BY 1, 2
"""
#: What lots held then: of what was taken, restored parts are known as of now only.
_LEFT = """
WITH taken AS (
    SELECT t.lot_id, sum(t.points - t.restored) AS points
      FROM loyalty_lottake t JOIN loyalty_pointsentry e ON e.id = t.entry_id
     WHERE e.occurred_at < %(end)s GROUP BY 1
)
SELECT date_trunc('month', (l.expires_at - interval '1 microsecond')
                           AT TIME ZONE %(zone)s)::date,
       sum(CASE WHEN e.occurred_at < %(end)s THEN l.granted ELSE 0 END
           - coalesce(taken.points, 0))::bigint AS points
  FROM loyalty_pointslot l
  JOIN loyalty_pointsentry e ON e.id = l.entry_id
  LEFT JOIN taken ON taken.lot_id = l.id
 GROUP BY 1
HAVING sum(CASE WHEN e.occurred_at < %(end)s THEN l.granted ELSE 0 END
           - coalesce(taken.points, 0)) <> 0
 ORDER BY 1 NULLS LAST
"""
#: What went back since the end into lots that ``_LEFT`` shows too full for that.
_RESTORED_SINCE = """
SELECT (SELECT coalesce(sum(e.points + coalesce((e.trace ->> 'debt_back')::bigint, 0)
                            - coalesce(l.granted, 0)), 0)
          FROM loyalty_pointsentry e
          LEFT JOIN loyalty_pointslot l ON l.entry_id = e.id
         WHERE e.kind = 'return' AND e.occurred_at >= %(end)s)::bigint
     - (SELECT coalesce(sum(t.restored), 0)
          FROM loyalty_lottake t JOIN loyalty_pointsentry e ON e.id = t.entry_id
         WHERE e.occurred_at >= %(end)s)::bigint
"""
_GRANTED = """
SELECT date_trunc('month', e.occurred_at AT TIME ZONE %(zone)s)::date,
       sum(l.granted)::bigint
  FROM loyalty_pointslot l JOIN loyalty_pointsentry e ON e.id = l.entry_id
 WHERE e.occurred_at < %(end)s
 GROUP BY 1 ORDER BY 1
"""
_GONE = """
WITH gone AS (
    SELECT date_trunc('month', o.occurred_at AT TIME ZONE %(zone)s)::date AS month,
           e.kind, t.points - t.restored AS points,
           date_trunc('month', (e.occurred_at - interval '1 microsecond')
                               AT TIME ZONE %(zone)s)::date AS gone
      FROM loyalty_lottake t
      JOIN loyalty_pointsentry e ON e.id = t.entry_id
      JOIN loyalty_pointslot l ON l.id = t.lot_id
      JOIN loyalty_pointsentry o ON o.id = l.entry_id
     WHERE e.occurred_at < %(end)s AND o.occurred_at < %(end)s
)
SELECT month, kind,
       CASE kind WHEN 'expire' THEN (date_part('year', age(gone, month)) * 12
            + date_part('month', age(gone, month)))::int ELSE 0 END,
       sum(points)::bigint
  FROM gone GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
#: Kinds of entries by which the member, and not the shop, used points.
_USED = ("spend", "gift", "deduct")


def sums_by_kind(*, start: datetime, end: datetime) -> list[tuple[str, int, int]]:
    """Return kind, points of the period, points of all time before it."""
    return _rows(_MOVES, start=start, end=end)


def sums_by_hand(
    *, start: datetime, end: datetime, after: int | None
) -> list[tuple[str, str, int, int]]:
    """Return reason code, kind, entries and points of what staff moved (P27).

    Args:
        after: number of the last entry of the closing before, None before the first:
            what has a higher one and an earlier date is late, and counts here.
    """
    return _rows(_BY_HAND, start=start, end=end, after=after)


def left_by_expiry(*, end: datetime, zone: str) -> list[tuple[date | None, int]]:
    """Return what lots held at ``end`` by the month whose end is theirs."""
    return _rows(_LEFT, end=end, zone=zone)


def restored_since(*, end: datetime) -> int:
    """Return how much ``left_by_expiry`` shows too much, given back after ``end``."""
    return _rows(_RESTORED_SINCE, end=end)[0][0]


def cohorts_at(*, end: datetime, zone: str) -> list[Cohort]:
    """Return what became of the points of each month by ``end``."""
    used: dict[date, int] = {}
    taken: dict[date, int] = {}
    expired: dict[date, dict[int, int]] = {}
    for month, kind, age, points in _rows(_GONE, end=end, zone=zone):
        if kind == "expire":
            expired.setdefault(month, {})[age] = points
        else:
            sums = used if kind in _USED else taken
            sums[month] = sums.get(month, 0) + points
    return [
        Cohort(
            month,
            granted,
            used=used.get(month, 0),
            taken_back=taken.get(month, 0),
            expired=expired.get(month, {}),
        )
        for month, granted in _rows(_GRANTED, end=end, zone=zone)
    ]


def last_close() -> PointsClose | None:
    """Return the month that was closed last."""
    return PointsClose.objects.order_by("-month").first()


def cohorts_of(close: PointsClose) -> list[Cohort]:
    """Return the cohorts a closed month keeps."""
    return [
        Cohort(
            date.fromisoformat(row["month"]),
            row["granted"],
            used=row["used"],
            taken_back=row["taken_back"],
            expired={int(age): points for age, points in row["expired"].items()},
        )
        for row in close.cohorts
    ]


def _rows(query: str, **params) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        return cursor.fetchall()
