"""Search asked of the index by hand: the least, and the same the long way."""

#: Without ranks, channels or objects.
BARE = """
SELECT p.id, p.public_id, p.name, p.name_en
  FROM orders_productwords w JOIN orders_product p ON p.id = w.product_id
 WHERE w.words @@ %s::tsquery AND p.is_listed
 ORDER BY p.created_at DESC, p.id DESC LIMIT 21
"""
#: The same rows in the same order as ours, found the long way.
ALL_COMPARED = """
SELECT p.id FROM orders_productwords w JOIN orders_product p ON p.id = w.product_id
 WHERE w.words @@ %(anywhere)s::tsquery AND p.is_listed
 ORDER BY CASE WHEN w.words @@ %(as_code)s::tsquery THEN 0
               WHEN w.words @@ %(in_name)s::tsquery THEN 1 ELSE 2 END,
          p.created_at DESC, p.id DESC LIMIT %(most)s
"""
