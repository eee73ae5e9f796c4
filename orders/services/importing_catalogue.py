"""Steps of an import that make its customers members and its articles products."""

from crm.shared.public_ids import new_public_id
from members.models import Member
from members.services.numbering import next_numbers
from orders.models import Product, Variant
from orders.rules.online_retail import kind_of_sku
from orders.services.importing_staging import Piece, Work
from orders.services.indexing import index_products
from orders.services.opening_skus import open_skus

#: Customers and articles per transaction.
_PIECE = 2000

_NEW_CUSTOMERS = """
SELECT i.customer, min(i.at), (array_agg(i.country ORDER BY i.seq DESC))[1]
  FROM {invoices} i
 WHERE i.customer > %(after)s AND i.kind <> 'adjustment'
   AND NOT EXISTS (SELECT 1 FROM members_member m
                    WHERE m.source = %(source)s AND m.external_id = i.customer)
 GROUP BY i.customer ORDER BY i.customer LIMIT %(limit)s
"""
#: A name is what most priced rows call it, of equals the latest; free rows, where
#: stock takers wrote "damaged" or "?", speak only where no other does. The price is
#: the last one asked.
_NEW_ARTICLES = """
WITH piece AS (
    SELECT DISTINCT r.sku FROM {rows} r
     WHERE r.sku > %(after)s AND r.kind <> 'adjustment'
       AND NOT EXISTS (SELECT 1 FROM orders_variant v WHERE v.sku = r.sku)
     ORDER BY r.sku LIMIT %(limit)s
), name AS (
    SELECT DISTINCT ON (r.sku) r.sku, r.description
      FROM {rows} r JOIN piece USING (sku) WHERE r.description <> ''
     GROUP BY r.sku, r.description
     ORDER BY r.sku, bool_or(r.price_minor > 0) DESC, count(*) DESC, max(r.row) DESC
), price AS (
    SELECT DISTINCT ON (r.sku) r.sku, r.price_minor
      FROM {rows} r JOIN piece USING (sku)
     WHERE r.kind = 'order' AND r.price_minor > 0
     ORDER BY r.sku, r.at DESC, r.row DESC
), born AS (
    SELECT r.sku, min(r.at) AS at FROM {rows} r JOIN piece USING (sku) GROUP BY r.sku
)
SELECT piece.sku, coalesce(name.description, piece.sku), coalesce(price.price_minor, 0),
       born.at
  FROM piece JOIN born USING (sku) LEFT JOIN name USING (sku)
  LEFT JOIN price USING (sku) ORDER BY piece.sku
"""


def store_customers(work: Work, *, after: str) -> Piece:
    """Make members of the next customers whose number is greater than ``after``.

    They joined with their first invoice and live where their last one went. Nothing
    is known of their consent, so nothing is sent to them; no fact is published.
    """
    found = work.staging.fetch(
        _NEW_CUSTOMERS, {"after": after, "source": work.source, "limit": _PIECE}
    )
    Member.objects.bulk_create(
        Member(
            number=number,
            source=work.source,
            external_id=customer,
            joined_at=joined_at,
            region=country,
            language="",
        )
        for number, (customer, joined_at, country) in zip(
            next_numbers(len(found)), found, strict=True
        )
    )
    return Piece(
        next=found[-1][0] if len(found) == _PIECE else None,
        counts={"members": len(found)},
    )


def store_articles(work: Work, *, after: str) -> Piece:
    """Make products of the next stock codes greater than ``after``.

    Goods that had a price are listed; freight, fees, gift cards and what was only
    ever given away are not.
    """
    found = work.staging.fetch(_NEW_ARTICLES, {"after": after, "limit": _PIECE})
    products, variants = [], []
    for sku, name, price_minor, at in found:
        kind = kind_of_sku(sku)
        product = Product(
            public_id=new_public_id("prd"),
            name=name[:160],
            kind=kind,
            is_listed=kind == Product.Kind.GOODS and price_minor > 0,
            created_at=at,
        )
        products.append(product)
        variants.append(Variant(product=product, sku=sku, price_minor=price_minor))
    Product.objects.bulk_create(products)
    for variant in variants:
        variant.product_id = variant.product.pk
    Variant.objects.bulk_create(variants)
    open_skus(variants=variants, actor="import", now=work.now)
    index_products(product_ids=[product.pk for product in products])
    return Piece(
        next=found[-1][0] if len(found) == _PIECE else None,
        counts={"products": len(found)},
    )
