"""Rebuild what the orders teach: popularity, and what is bought together."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db import connection, transaction

from orders.rules.lifecycle import STANDING
from recommendations.models import BoughtTogether, Popularity
from recommendations.rules.co_purchase import bought_together

#: A purchase counts half after so long, measured from the newest order.
HALF_LIFE = timedelta(days=90)
_STATEMENT_TIMEOUT = "10min"
_CHUNK = 20_000

#: One row per member and product that was bought and not wholly given back (R19).
#: Freight, fees, gift cards and gifts (S16) say nothing about taste.
_PURCHASES = """
SELECT o.member_id, v.product_id, max(o.placed_at) AS newest
  FROM orders_order o
  JOIN orders_orderline l ON l.order_id = o.id
  JOIN orders_variant v ON v.id = l.variant_id
  JOIN orders_product p ON p.id = v.product_id
 WHERE o.member_id IS NOT NULL AND o.paid_at IS NOT NULL AND o.placed_at <= %(now)s
   AND o.state = ANY(%(standing)s)
   AND p.kind = 'goods' AND l.kind = 'goods' AND l.gift_of_id IS NULL
   AND l.refunded_quantity < l.quantity
 GROUP BY 1, 2
"""
_POPULARITY = f"""
WITH purchase AS MATERIALIZED ({_PURCHASES})
INSERT INTO recommendations_popularity (product_id, buyers, score)
SELECT product_id, count(*),
       sum(power(0.5, extract(epoch FROM (SELECT max(newest) FROM purchase) - newest)
                      / %(half_life)s))
  FROM purchase GROUP BY product_id
"""  # noqa: S608 - both parts are written above
_COPY = """
COPY recommendations_boughttogether (product_id, other_id, "both", buyers, score)
FROM STDIN
"""


@dataclass(frozen=True, slots=True)
class Learned:
    """How much was learned."""

    purchases: int
    products: int
    pairs: int


@transaction.atomic
def learn_from_orders(*, now: datetime) -> Learned:
    """Rebuild both tables from all orders up to ``now``.

    Readers see the old ones until it commits. One rebuild at a time; the same orders
    give the same tables.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', '0', true)")
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, true)", [_STATEMENT_TIMEOUT]
        )
        # Sums are made in memory between statements; a busy machine may take a while.
        cursor.execute(
            "SELECT set_config('idle_in_transaction_session_timeout', '120s', true)"
        )
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            ["recommendations.learn_from_orders"],
        )
    members, products = _read(now)
    ids, positions = np.unique(products, return_inverse=True)
    Popularity.objects.all().delete()
    BoughtTogether.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(
            _POPULARITY,
            {
                "now": now,
                "standing": list(STANDING),
                "half_life": HALF_LIFE.total_seconds(),
            },
        )
        pairs = 0
        with cursor.copy(_COPY) as copy:
            for pair in bought_together(members, positions):
                copy.write_row(
                    (
                        int(ids[pair.product]),
                        int(ids[pair.other]),
                        pair.both,
                        pair.buyers,
                        pair.score,
                    )
                )
                pairs += 1
    return Learned(len(members), len(ids), pairs)


def _read(now: datetime) -> tuple[np.ndarray, np.ndarray]:
    """Return member and product ids of all purchases, members' newest first."""
    rows = np.fromiter(
        _stream(now), dtype=[("member", np.int64), ("product", np.int64)]
    )
    return rows["member"], rows["product"]


def _stream(now: datetime) -> Iterator[tuple[int, int]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            _PURCHASES + " ORDER BY 1, newest DESC, 2",
            {"now": now, "standing": list(STANDING)},
        )
        while rows := cursor.fetchmany(_CHUNK):
            yield from ((member, product) for member, product, _newest in rows)
