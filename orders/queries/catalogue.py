"""The catalogue as the storefront shows it: products that are on sale, and the tree.

A product comes with brand, category, attributes, pictures, SKUs and running prices in
one statement (``crm.shared.listing``).
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.db.models.expressions import OrderBy, RawSQL

from crm.shared.bilingual import Bilingual
from crm.shared.listing import Listing
from orders.models import Category, Product, ProductImage
from orders.queries.prices import RUNNING_PRICES, options_of, shop_floor
from orders.rules.lines import PriceLine, brand_marks
from orders.rules.search_words import search_for
from orders.rules.unit_prices import PriceOption

#: So many products of a search are compared with each other; see ``best_first``.
MOST_COMPARED = 1_000
_SHOWN = f"""
SELECT p.id, p.created_at, p.public_id, p.name, p.name_en, p.kind,
       p.brand_id, b.code, b.name, b.name_en,
       p.category_id, c.code, c.lineage, p.tags, p.description,
  (SELECT json_agg(json_build_array(a.code, a.name, a.name_en, pa.value, pa.value_en)
                   ORDER BY a.code, pa.value)
     FROM orders_productattribute pa JOIN orders_attribute a ON a.id = pa.attribute_id
    WHERE pa.product_id = p.id),
  (SELECT json_agg(json_build_array(i.public_id, i.alt, i.alt_en, v.sku)
                   ORDER BY i.position, i.id)
     FROM orders_productimage i LEFT JOIN orders_variant v ON v.id = i.variant_id
    WHERE i.product_id = p.id),
  (SELECT json_agg(json_build_array(
            v.id, v.sku, v.option, v.barcode, v.weight_grams, v.price_minor,
            v.cost_minor, v.minimum_price_minor, v.on_hand, v.reserved,
            {RUNNING_PRICES}) ORDER BY v.price_minor, v.id)
     FROM orders_variant v WHERE v.product_id = p.id AND v.is_active)
"""  # noqa: S608
_FROM = "FROM orders_product p"
_JOINS = """
LEFT JOIN orders_brand b ON b.id = p.brand_id
LEFT JOIN orders_category c ON c.id = p.category_id
"""
_LISTED = "p.is_listed AND p.kind IN ('goods', 'gift_card')"
#: Without limits it is sold in all channels.
_SOLD_EVERYWHERE = """
NOT EXISTS (SELECT FROM orders_product_channels pc WHERE pc.product_id = p.id)
"""
_SOLD_IN_CHANNEL = """
COALESCE(
  (SELECT bool_or(ch.code = %(channel)s)
     FROM orders_product_channels pc JOIN orders_channel ch ON ch.id = pc.channel_id
    WHERE pc.product_id = p.id), true)
"""
ON_SALE = f"{_LISTED} AND {_SOLD_IN_CHANNEL}"
_IN_BRANCH = """
p.category_id IN (
  SELECT below.id FROM orders_category below
   WHERE below.lineage @> ARRAY[
     (SELECT top.id FROM orders_category top WHERE top.code = %(category)s)])
"""
_OF_BRAND = "p.brand_id = (SELECT id FROM orders_brand WHERE code = %(brand)s)"
_TAGGED = "p.tags @> ARRAY[%(tag)s]::varchar[]"
_WITH_WORDS = """
EXISTS (SELECT FROM orders_productwords w
         WHERE w.product_id = p.id AND w.words @@ %(words)s::tsquery)
"""
_PLACES = """
SELECT product_id, CASE WHEN words @@ %(as_code)s::tsquery THEN 0
                        WHEN words @@ %(in_name)s::tsquery THEN 1 ELSE 2 END
  FROM orders_productwords WHERE words @@ %(anywhere)s::tsquery LIMIT %(most)s
"""


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


@dataclass(frozen=True, slots=True)
class ShownSku:
    """An active SKU; ``on_hand`` is None where stock is not kept."""

    id: int
    sku: str
    option: str
    barcode: str
    weight_grams: int | None
    price_minor: int
    cost_minor: int | None
    minimum_price_minor: int | None
    on_hand: int | None
    reserved: int
    #: Those that run.
    prices: tuple[PriceOption, ...]


@dataclass(frozen=True, slots=True)
class ShownProduct(Bilingual):
    """A product with all that the storefront says of it."""

    id: int
    created_at: datetime
    public_id: str
    name: str
    name_en: str
    kind: str
    brand_id: int | None
    brand_code: str | None
    brand_name: str | None
    brand_name_en: str | None
    category_id: int | None
    category_code: str | None
    #: Ids from the root of the category tree down to the product's.
    lineage: list[int] | None
    tags: list[str]
    description: str
    #: Code, name, English name, value, English value; by code, then value.
    attributes: list[list[str]]
    #: Public id, description, English description, SKU; in the shop's order.
    images: list[list]
    #: The cheapest list price first.
    skus: list[ShownSku]

    def lines(self, first: int = 1) -> list[PriceLine]:
        """Return one unit of each SKU as the pricing function sees it.

        Args:
            first: the position of the first of them.
        """
        own = () if self.category_id is None else (self.category_id,)
        label, marks = self.label, brand_marks(self.brand_id)
        floors = [shop_floor(s.minimum_price_minor, s.cost_minor) for s in self.skus]
        return [
            PriceLine(
                position=position,
                variant_id=each.id,
                product_id=self.id,
                category_id=self.category_id,
                sku=each.sku,
                name=f"{label} {each.option}".strip(),
                kind=self.kind,
                quantity=1,
                unit_price_minor=each.price_minor,
                prices=each.prices,
                category_ids=tuple(self.lineage or own),
                weight_grams=each.weight_grams or 0,
                floor_minor=floor[0],
                floor_kind=floor[1],
                marks=marks,
            )
            for position, (each, floor) in enumerate(
                zip(self.skus, floors, strict=True), start=first
            )
        ]


def listed_products(wanted: Wanted, *, at: datetime) -> Listing[ShownProduct]:
    """Return what is on sale and wanted, with the prices of ``at``.

    Its order is by ``created_at`` and ``id``. ``wanted.text`` is asked by
    ``best_first``.
    """
    products = _PRODUCTS.where(_LISTED, at=at)
    # How many are sold everywhere PostgreSQL knows well, and would then rather walk
    # all products than ask the index for a word that stands in no name.
    if wanted.channel or wanted.text:
        products = products.where(_SOLD_IN_CHANNEL, channel=wanted.channel)
    else:
        products = products.where(_SOLD_EVERYWHERE)
    if wanted.category:
        products = products.where(_IN_BRANCH, category=wanted.category)
    if wanted.brand:
        products = products.where(_OF_BRAND, brand=wanted.brand)
    if wanted.tag:
        products = products.where(_TAGGED, tag=wanted.tag)
    return products


def product_on_sale(
    public_id: str, *, channel: str = "", at: datetime
) -> ShownProduct | None:
    """Return one product if it is sold in a channel; with no code, if everywhere."""
    products = listed_products(Wanted(channel=channel), at=at)
    return products.where("p.public_id = %(public_id)s", public_id=public_id).first()


def on_sale() -> QuerySet[Product]:
    """Return what is sold everywhere, for what asks about one product, not a page."""
    return Product.objects.filter(
        sold_in(None), is_listed=True, kind__in=["goods", "gift_card"]
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


def found_products(products: QuerySet[Product], text: str) -> QuerySet[Product]:
    """Return the products a search finds, in no order.

    Args:
        text: as typed: words or their beginnings, Chinese in characters or pinyin, a
            SKU or barcode.
    """
    asked = search_for(text)
    if asked is None:
        return products.none()
    return products.filter(words__words=ReadyQuery(asked.anywhere))


def quick_finds(text: str, *, most: int) -> list[Product]:
    """Return a few products a search finds, the best ones first, listed or not.

    One statement, which compares no more than ``most`` of each kind of match.
    """
    asked = search_for(text)
    if asked is None:
        return []
    found = [
        Product.objects.filter(words__words=ReadyQuery(words))
        .annotate(part=Value(part))
        .order_by()[:most]
        for part, words in enumerate(asked.in_turn)
    ]
    return list(found[0].union(*found[1:], all=True).order_by("part", "id")[:most])


def best_first(
    products: Listing[ShownProduct], text: str
) -> list[Listing[ShownProduct]]:
    """Return what a search finds among products in parts, each product in one of them.

    First those with this very SKU or barcode, then those so named, then the rest. To be
    read part by part until a page is full. Up to ``MOST_COMPARED`` are told apart here,
    in one statement. Of more, each part is a question of its own: its newest are found
    by walking all products from the newest on, or by the index of words where
    PostgreSQL takes it for rare, but never by comparing every one.
    """
    asked = search_for(text)
    if asked is None:
        return [products.none()]
    with connection.cursor() as cursor:
        cursor.execute(_PLACES, {**asdict(asked), "most": MOST_COMPARED + 1})
        found = cursor.fetchall()
    if len(found) > MOST_COMPARED:
        walked = products.unplanned()
        return [walked.where(_WITH_WORDS, words=words) for words in asked.in_turn]
    parts: tuple[list[int], ...] = ([], [], [])
    for product_id, part in found:
        parts[part].append(product_id)
    return [_these(products, ids) for ids in parts]


def _these(products: Listing[ShownProduct], ids: list[int]) -> Listing[ShownProduct]:
    if not ids:
        return products.none()
    return products.where("p.id = ANY (%(ids)s)", ids=ids)


def _shown(*columns: Any) -> ShownProduct:
    *own, attributes, images, skus = columns
    return ShownProduct(
        *own,
        attributes=attributes or [],
        images=images or [],
        skus=[ShownSku(*sku, options_of(prices)) for *sku, prices in skus or ()],
    )


_PRODUCTS = Listing(
    _SHOWN, _FROM, _shown, {"created_at": "p.created_at", "id": "p.id"}, _JOINS
)


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
