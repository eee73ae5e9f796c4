"""Check that the counters of every SKU are the sums of its moves."""

from dataclasses import dataclass

from django.db import connection

_DIFFERENCES = """
SELECT v.sku, coalesce(v.on_hand, 0), coalesce(m.on_hand, 0), v.reserved,
       coalesce(m.reserved, 0)
  FROM orders_variant v
  LEFT JOIN (SELECT variant_id, sum(delta_on_hand) AS on_hand,
                    sum(delta_reserved) AS reserved
               FROM orders_stockmove GROUP BY variant_id) m ON m.variant_id = v.id
 WHERE (coalesce(v.on_hand, 0), v.reserved)
       <> (coalesce(m.on_hand, 0), coalesce(m.reserved, 0))
 ORDER BY v.sku
"""
_COUNT = "SELECT count(*), (SELECT count(*) FROM orders_stockmove) FROM orders_variant"


@dataclass(frozen=True, slots=True)
class StockVerified:
    """How much was looked at, and one sentence per difference."""

    skus: int
    moves: int
    findings: tuple[str, ...]


def verify_stock() -> StockVerified:
    """Compare counters with the ledger; writes nothing. Two statements."""
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERENCES)
        findings = tuple(
            f"{sku}: on hand {on_hand}, moves say {moved}; "
            f"reserved {reserved}, moves say {promised}."
            for sku, on_hand, moved, reserved, promised in cursor.fetchall()
        )
        cursor.execute(_COUNT)
        skus, moves = cursor.fetchone()
    return StockVerified(skus=skus, moves=moves, findings=findings)
