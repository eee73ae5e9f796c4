"""The catalogue as the storefront shows it."""

from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db import connection
from django.db.models import (
    Case,
    Exists,
    IntegerField,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.expressions import OrderBy, RawSQL

from orders.models import Category, Product, ProductAttribute, ProductImage, Variant
from orders.rules.search_words import search_for

#: What a search puts first, then second (``orders.rules.search_words.Found``).
AS_CODE, IN_NAME, ELSEWHERE = 2, 1, 0


class ReadyQuery(SearchQuery):
    """A ``tsquery`` as it is: no dictionary looks at its words."""

    template = "%(expressions)s::tsquery"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a visitor asks of the catalogue; empty asks nothing.

    ``category``, ``brand`` and ``channel`` are codes; the branch of a category counts.
    Without a channel only what is sold everywhere is shown.
    """

    category: str = ""
    brand: str = ""
    tag: str = ""
    channel: str = ""
    text: str = ""


def listed_products(wanted: Wanted | None = None) -> QuerySet[Product]:
    """Return what is on sale, with SKUs, attributes and pictures: four statements.

    A search adds ``rank``, to be sorted by.
    """
    wanted = wanted or Wanted()
    products = (
        on_sale(wanted.channel)
        .select_related("category", "brand")
        .prefetch_related(*_beside())
    )
    if wanted.category:
        products = products.filter(category__in=branch_of(wanted.category))
    if wanted.brand:
        products = products.filter(brand__code=wanted.brand)
    if wanted.tag:
        products = products.filter(tags__contains=[wanted.tag])
    if wanted.text:
        products = found_products(products, wanted.text)
    return products


def on_sale(channel: str = "") -> QuerySet[Product]:
    """Return what is sold in a channel: listed, and limited to no other one."""
    there = Q(channel__code=channel) if channel else None
    return Product.objects.filter(
        sold_in(there), is_listed=True, kind__in=["goods", "gift_card"]
    )


def sold_in(channel: Q | None, *, product: str = "pk") -> Q:
    """Return the condition for products limited to no other channel than one.

    Args:
        channel: condition of the table that joins products and channels, or None for
            what is sold everywhere.
        product: lookup from a row to its product's key.
    """
    limits = Product.channels.through.objects.filter(product=OuterRef(product))
    sold = Q(~Exists(limits))
    if channel is not None:
        sold |= Q(Exists(limits.filter(channel)))
    return sold


def branch_of(code: str) -> QuerySet[Category]:
    """Return a category and everything below it, by one look into the index."""
    top = Category.objects.filter(code=code).values_list("pk", flat=True).first()
    return Category.objects.filter(lineage__contains=[top or 0])


def found_products(products: QuerySet[Product], text: str) -> QuerySet[Product]:
    """Return the products a search finds, each with its ``rank``.

    Args:
        text: as typed: words or their beginnings, Chinese in characters or pinyin, a
            SKU or barcode.
    """
    asked = search_for(text)
    if asked is None:
        return products.none().annotate(rank=Value(ELSEWHERE))
    return products.filter(words__words=ReadyQuery(asked.anywhere)).annotate(
        rank=Case(
            When(words__words=ReadyQuery(asked.as_code), then=Value(AS_CODE)),
            When(words__words=ReadyQuery(asked.in_name), then=Value(IN_NAME)),
            default=Value(ELSEWHERE),
            output_field=IntegerField(),
        )
    )


def _beside() -> list[Prefetch]:
    return [
        Prefetch(
            "variants",
            Variant.objects.filter(is_active=True).order_by("price_minor", "id"),
        ),
        Prefetch("attributes", ProductAttribute.objects.select_related("attribute")),
        Prefetch(
            "images",
            ProductImage.objects.select_related("variant").defer("picture"),
        ),
    ]


def picture_of(*, product: str, image: str) -> ProductImage | None:
    """Return a picture of a product that is on sale somewhere, by public ids."""
    return ProductImage.objects.filter(
        public_id=image, product__public_id=product, product__is_listed=True
    ).first()


# --- The tree -----------------------------------------------------------------

#: Where a category stands: position and id of all above it, then its own.
_STAND = """
(SELECT array_agg(above.position::bigint << 32 | above.id ORDER BY step.n)
   FROM unnest(orders_category.lineage) WITH ORDINALITY AS step (id, n)
   JOIN orders_category above ON above.id = step.id)
"""
_COUNTS = """
SELECT above.id, sum(own.products)::int
  FROM (SELECT p.category_id, count(*) AS products FROM orders_product p
         WHERE p.is_listed AND p.kind IN ('goods', 'gift_card')
           AND p.category_id IS NOT NULL
           AND (NOT EXISTS (SELECT 1 FROM orders_product_channels pc
                             WHERE pc.product_id = p.id)
                OR EXISTS (SELECT 1 FROM orders_product_channels pc
                             JOIN orders_channel c ON c.id = pc.channel_id
                            WHERE pc.product_id = p.id AND c.code = %s))
         GROUP BY p.category_id) own
  JOIN orders_category c ON c.id = own.category_id
 CROSS JOIN unnest(c.lineage) AS above (id)
 GROUP BY above.id
"""


def tree_order() -> OrderBy:
    """Return the order of categories as the tree reads from top to bottom.

    For a query whose own table is that of categories.
    """
    return RawSQL(_STAND, []).asc()  # noqa: S611


def category_tree(*, channel: str = "") -> list[dict[str, Any]]:
    """Return the roots with all below them, and how many products each branch sells.

    Two statements. Each node: ``category``, ``products``, ``children``.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [channel])
        counts = dict(cursor.fetchall())
    nodes: dict[int, dict[str, Any]] = {}
    roots = []
    for category in Category.objects.order_by(tree_order()):
        node = {
            "category": category,
            "products": counts.get(category.pk, 0),
            "children": [],
        }
        nodes[category.pk] = node
        parent = nodes.get(category.parent_id or 0)
        (parent["children"] if parent else roots).append(node)
    return roots
