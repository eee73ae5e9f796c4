"""Goods that may come for nothing, as a quote needs to know them."""

from collections.abc import Collection, Iterable

from crm.shared.bilingual import in_request_language
from crm.shared.planned import planned_cursor
from orders.rules.gifts import GiftArticle

#: Of the SKUs ``gifts`` of a statement, as JSON: those that exist, are not taken out
#: of sale, and are goods. A product that nobody can buy may well be given away.
GIFT_ARTICLES = """(
    SELECT json_agg(json_build_array(
        v.sku, v.id, p.public_id, p.name, p.name_en, v.option, v.price_minor,
        v.cost_minor, v.on_hand - v.reserved))
      FROM orders_variant v JOIN orders_product p ON p.id = v.product_id
     WHERE v.sku = ANY(%(gifts)s) AND v.is_active AND p.kind = 'goods'
)"""


def articles_of(rows: Iterable[Iterable] | None) -> dict[str, GiftArticle]:
    """Return by SKU what ``GIFT_ARTICLES`` found, named in the language of now."""
    found = {}
    for sku, pk, product, name, name_en, option, listed, cost, free in rows or ():
        label = in_request_language(name, name_en)
        found[sku] = GiftArticle(sku, pk, product, label, option, listed, cost, free)
    return found


def gift_articles(skus: Collection[str]) -> dict[str, GiftArticle]:
    """Return what the catalogue says of some SKUs that may come as gifts."""
    with planned_cursor() as cursor:
        cursor.execute(f"SELECT {GIFT_ARTICLES}", {"gifts": sorted(skus)})
        return articles_of(cursor.fetchone()[0])
