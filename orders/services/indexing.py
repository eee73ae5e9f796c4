"""Keep the words products are found by in step with what they say."""

from collections.abc import Iterable

from django.db import connection, transaction

from orders.models import Category, Product
from orders.rules.search_words import vector_text

#: Products per transaction.
_PIECE = 2_000

#: Locked, so that a change of the same product waits and is not overlooked.
_READ = """
SELECT p.id, ARRAY[p.name, p.name_en],
       ARRAY(SELECT unnest(ARRAY[v.sku, v.barcode])
               FROM orders_variant v WHERE v.product_id = p.id),
       p.tags || ARRAY(SELECT unnest(ARRAY[b.name, b.name_en])
                         FROM orders_brand b WHERE b.id = p.brand_id)
              || ARRAY(SELECT unnest(ARRAY[above.name, above.name_en])
                         FROM orders_category c
                         JOIN orders_category above ON above.id = ANY (c.lineage)
                        WHERE c.id = p.category_id)
              || ARRAY(SELECT unnest(ARRAY[a.value, a.value_en])
                         FROM orders_productattribute a WHERE a.product_id = p.id)
  FROM orders_product p WHERE {which} ORDER BY p.id {limit}
   FOR NO KEY UPDATE OF p
"""
_WRITE = """
INSERT INTO orders_productwords (product_id, words)
SELECT id, words::tsvector FROM unnest(%s::bigint[], %s::text[]) AS w (id, words)
    ON CONFLICT (product_id) DO UPDATE SET words = excluded.words
"""


@transaction.atomic
def index_products(*, product_ids: Iterable[int]) -> int:
    """Write the words of some products, after a change of what they are found by.

    Three statements, however many products. Returns how many there were.
    """
    return _index("p.id = ANY (%s)", "", [list(product_ids)])


@transaction.atomic
def index_due(*, limit: int = _PIECE) -> int:
    """Write the words of products that changed meanwhile; return how many.

    Products that somebody is changing at this moment wait for their turn.
    """
    return _index("p.words_due", "LIMIT %s", [limit])


def words_of_category_changed(*, category_id: int) -> None:
    """A category has another name or place: the words of its whole branch are due."""
    branch = Category.objects.filter(lineage__contains=[category_id])
    Product.objects.filter(category__in=branch).update(words_due=True)


def words_of_brand_changed(*, brand_id: int) -> None:
    """A brand has another name: the words of its products are due."""
    Product.objects.filter(brand_id=brand_id).update(words_due=True)


def _index(which: str, limit: str, params: list) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_READ.format(which=which, limit=limit), params)
        found = cursor.fetchall()
        if not found:
            return 0
        ids = [row[0] for row in found]
        texts = [
            vector_text(names=names, codes=codes, others=others)
            for _id, names, codes, others in found
        ]
        cursor.execute(_WRITE, [ids, texts])
    Product.objects.filter(pk__in=ids, words_due=True).update(words_due=False)
    return len(ids)
