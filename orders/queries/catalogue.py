"""The catalogue as the storefront shows it."""

from django.db.models import Prefetch, QuerySet
from django.db.models.functions import Upper

from orders.models import Category, Product, Variant


def listed_products(*, category: str = "", text: str = "") -> QuerySet[Product]:
    """Return what is on sale, with its variants, in three statements a page.

    Args:
        category: code of a category; its children are included.
        text: part of the name or the whole SKU.
    """
    variants = Variant.objects.filter(is_active=True).order_by("price_minor", "id")
    products = (
        Product.objects.filter(is_listed=True, kind__in=["goods", "gift_card"])
        .select_related("category")
        .prefetch_related(Prefetch("variants", variants))
    )
    if category:
        branch = Category.objects.filter(code=category)
        products = products.filter(
            category_id__in=branch.values("id").union(
                Category.objects.filter(parent__code=category).values("id"), all=True
            )
        )
    if text:
        named = Product.objects.alias(upper=Upper("name")).filter(
            upper__contains=text.upper()
        )
        by_sku = Variant.objects.filter(sku=text, is_active=True)
        products = products.filter(
            id__in=named.values("id").union(by_sku.values("product_id"), all=True)
        )
    return products
