"""The cheapest goods of some kinds that can be bought now."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from crm.shared.planned import planned_cursor
from orders.queries.carts import ARTICLE, CartItem
from orders.queries.catalogue import ON_SALE
from orders.rules.sought_goods import SoughtGoods

#: So many SKUs of each brand, category or all are compared, those found first.
MOST_COMPARED = 500
_IN_STOCK = f"""v.is_active AND (v.on_hand IS NULL OR v.on_hand > v.reserved)
       AND p.kind = 'goods' AND {ON_SALE}
       AND v.sku <> ALL (s.not_skus) AND p.id <> ALL (s.not_products)
       AND coalesce(p.brand_id <> ALL (s.not_brands), true)
       AND NOT EXISTS (SELECT FROM orders_category c WHERE c.id = p.category_id
                          AND c.lineage && s.not_categories)"""
_FOUND = f"""(SELECT v.id, v.price_minor
      FROM orders_product p JOIN orders_variant v ON v.product_id = p.id
     WHERE {{by}} AND {_IN_STOCK} LIMIT {MOST_COMPARED})"""  # noqa: S608
#: Each way to name goods has an index of its own.
_WAYS = (
    "v.sku = ANY (s.skus)",
    "p.id = ANY (s.products)",
    "p.brand_id = ANY (s.brands)",
    """p.category_id IN (SELECT b.id FROM orders_category b
                         WHERE b.lineage && s.categories)""",
    """cardinality(s.skus) + cardinality(s.products) + cardinality(s.brands)
           + cardinality(s.categories) = 0""",
)
_CHEAPEST = f"""
SELECT s.place, json_build_array('', 1, {ARTICLE}, true, NULL, '', p.brand_id)
  FROM jsonb_to_recordset(%(sought)s::jsonb) AS s (
         place int, skus text[], products bigint[], brands bigint[],
         categories bigint[], not_skus text[], not_products bigint[],
         not_brands bigint[], not_categories bigint[])
 CROSS JOIN LATERAL (
   SELECT f.id FROM ({" UNION ALL ".join(_FOUND.format(by=by) for by in _WAYS)}) f
    ORDER BY f.price_minor, f.id LIMIT 1) best
  JOIN orders_variant v ON v.id = best.id
  JOIN orders_product p ON p.id = v.product_id
  LEFT JOIN orders_category c ON c.id = p.category_id
"""  # noqa: S608


def cheapest_of(
    sought: Sequence[SoughtGoods], *, channel: str, at: datetime
) -> dict[int, CartItem]:
    """Return place -> one unit of the cheapest goods sought there, in one statement.

    By list price, of what is on sale in a channel and in stock; where nothing is, the
    place is missing.

    Args:
        channel: code; without it, only what is sold everywhere.
    """
    named = [asdict(each) | {"place": n} for n, each in enumerate(sought)]
    asked = {"sought": json.dumps(named), "channel": channel, "at": at}
    with planned_cursor() as cursor:
        cursor.execute(_CHEAPEST, asked)
        return {place: CartItem(*row) for place, row in cursor.fetchall()}
