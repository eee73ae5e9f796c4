"""One night in the shop of the environment, or its limit; see ``tier_nights``."""

# isort: off
import django

django.setup()
# isort: on

import json
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from benchmarks.console.crowd import fill
from loyalty.models import Ladder
from loyalty.services.expiring import expire_lots
from loyalty.services.tier_nights import review_tiers

_KB = 1024
#: Noon of the shop: an hour later is the same day.
NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
_LADDER = {"window_days": 365, "looked_until": None}
#: The crowd has neither lots nor qualifying value; its tiers are thrown away.
_MORE = [
    """INSERT INTO loyalty_pointslot (account_id, entry_id, granted, remaining,
           active_at, expires_at)
       SELECT account_id, id, points, points, occurred_at,
              occurred_at + interval '730 days' FROM loyalty_pointsentry""",
    """INSERT INTO loyalty_qualifyingentry (member_id, value_minor, source, occurred_at)
       SELECT member_id, total_minor, 'order:' || public_id, paid_at
         FROM orders_order""",
    """UPDATE loyalty_pointsaccount SET tier_since = NULL, tier_id = (
           SELECT t.id FROM loyalty_tier t JOIN loyalty_ladder l ON l.id = t.ladder_id
            WHERE l.code = 'main' ORDER BY t.threshold_minor LIMIT 1)""",
]
_BARE_TIERS = """
WITH value AS (
  SELECT member_id, sum(value_minor) AS minor FROM loyalty_qualifyingentry
   WHERE occurred_at > %(now)s - interval '365 days' AND occurred_at <= %(now)s
   GROUP BY 1
), due AS (
  SELECT a.member_id, a.tier_id AS held, coalesce(v.minor, 0) AS minor, (
         SELECT t.id FROM loyalty_tier t JOIN loyalty_ladder l ON l.id = t.ladder_id
          WHERE l.code = 'main' AND t.threshold_minor <= coalesce(v.minor, 0)
          ORDER BY t.threshold_minor DESC LIMIT 1) AS due
    FROM loyalty_pointsaccount a JOIN members_member m ON m.id = a.member_id
    LEFT JOIN value v USING (member_id)
   WHERE m.state IN ('pending', 'active', 'dormant')
), moved AS (
  UPDATE loyalty_pointsaccount a SET tier_id = d.due, tier_since = %(now)s
    FROM due d WHERE d.member_id = a.member_id AND d.due <> d.held
  RETURNING d.*
)
INSERT INTO loyalty_tierchange (member_id, from_tier_id, to_tier_id, value_minor,
                                reason, occurred_at)
SELECT member_id, held, due, minor, 'night', %(now)s FROM moved
"""
_BARE_LOTS = """
WITH ended AS (
  SELECT l.id, l.account_id, l.remaining, l.expires_at, a.balance, a.seq,
         nextval(pg_get_serial_sequence('loyalty_pointsentry', 'id')) AS entry
    FROM loyalty_pointslot l JOIN loyalty_pointsaccount a ON a.member_id = l.account_id
   WHERE l.expires_at <= %(now)s AND l.is_open AND l.held = 0 AND NOT a.is_frozen
), written AS (
  INSERT INTO loyalty_pointsentry (id, public_id, account_id, seq, kind, points,
         balance_after, source, reason, actor, trace, occurred_at)
  SELECT entry, 'pte_e' || lpad(id::text, 25, '0'), account_id, seq + 1, 'expire',
         -remaining, balance - remaining, 'lot:' || id, '', 'system', '{}', expires_at
    FROM ended
), taken AS (
  INSERT INTO loyalty_lottake (entry_id, lot_id, points)
  SELECT entry, id, remaining FROM ended
), emptied AS (
  UPDATE loyalty_pointslot l SET remaining = 0 FROM ended e WHERE e.id = l.id
)
UPDATE loyalty_pointsaccount a
   SET balance = e.balance - e.remaining, seq = e.seq + 1
  FROM ended e WHERE e.account_id = a.member_id
"""
_TIERS = """
SELECT coalesce(t.code, ''), count(*) FROM loyalty_pointsaccount a
  LEFT JOIN loyalty_tier t ON t.id = a.tier_id GROUP BY 1 ORDER BY 1
"""
_SUMS = "SELECT sum(balance), sum(seq) FROM loyalty_pointsaccount"


def main(what: str, *numbers: str) -> None:
    """Fill the shop, or do a night of it and print the cost as JSON."""
    if what == "fill":
        _fill(int(numbers[0]))
        return
    started = time.perf_counter()
    changed, books = _WORK[what]()
    cost = {"changed": changed, "books": books}
    cost["seconds"] = time.perf_counter() - started
    cost["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KB
    print(json.dumps(cost))


def _fill(members: int) -> None:
    fill(members=members, entries=members, orders=2 * members, now=NOW)
    Ladder.objects.filter(code="main").update(**_LADDER)
    with connection.cursor() as cursor:
        for statement in _MORE:
            cursor.execute(statement)
        cursor.execute("VACUUM ANALYZE")


def _look(at: datetime) -> tuple[int, list]:
    return review_tiers(now=at), _books(_TIERS)


def _expire() -> tuple[int, list]:
    total = 0
    while some := expire_lots(now=NOW):
        total += some
    return total, _books(_SUMS)


def _bare(statement: str, books: str) -> tuple[int, list]:
    """Run one statement and forget it; what it left is told."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, {"now": NOW})
        changed, left = cursor.rowcount, _books(books)
        transaction.set_rollback(True)
    return changed, left


def _books(statement: str) -> list:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [[str(value) for value in row] for row in cursor.fetchall()]


_WORK: dict[str, Callable[[], tuple[int, list]]] = {
    "bare tiers": lambda: _bare(_BARE_TIERS, _TIERS),
    "tiers, first look at all": lambda: _look(NOW),
    "tiers, a day later": lambda: _look(NOW + timedelta(days=1)),
    "tiers, an hour later": lambda: _look(NOW + timedelta(days=1, hours=1)),
    "bare lots": lambda: _bare(_BARE_LOTS, _SUMS),
    "lots that are over": _expire,
}


if __name__ == "__main__":
    main(*sys.argv[1:])
