"""Writes the catalogue as ``catalogue_serializers`` describes it."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.urls import reverse

from crm.shared.bilingual import in_request_language
from crm.shared.money import as_api
from orders.queries.catalogue import ShownProduct, ShownSku
from orders.rules.shown_prices import ShownPrice


def product_shape(
    product: ShownProduct, prices: Sequence[ShownPrice]
) -> dict[str, Any]:
    """Return a product, with what each of its SKUs costs who asks."""
    return {
        "id": product.public_id,
        "name": product.label,
        "kind": product.kind,
        "brand": in_request_language(
            product.brand_name or "", product.brand_name_en or ""
        ),
        "brand_code": product.brand_code,
        "category": product.category_code,
        "tags": product.tags,
        "description": product.description,
        "attributes": [
            {
                "code": code,
                "name": in_request_language(name, name_en),
                "value": in_request_language(value, value_en),
            }
            for code, name, name_en, value, value_en in product.attributes
        ],
        "images": [
            {
                "url": reverse("product-image", args=[product.public_id, image]),
                "alt": in_request_language(alt, alt_en),
                "sku": sku,
            }
            for image, alt, alt_en, sku in product.images
        ],
        "variants": [
            _sku(sku, shown) for sku, shown in zip(product.skus, prices, strict=True)
        ],
    }


def _sku(sku: ShownSku, shown: ShownPrice) -> dict[str, Any]:
    currency, price = settings.SHOP_CURRENCY, shown.price
    was = price.was_minor
    return {
        "sku": sku.sku,
        "option": sku.option,
        "barcode": sku.barcode,
        "weight_grams": sku.weight_grams,
        "price": as_api(price.amount_minor, currency),
        "list_price": as_api(price.list_minor, currency),
        "was": None if was is None else as_api(was, currency),
        "price_kind": price.kind,
        "promotions": [
            {"id": each.source_id, "name": each.name, "left": each.units_left}
            for each in shown.offers
        ],
        "in_stock": sku.on_hand is None or sku.on_hand > sku.reserved,
    }


def tree_shape(nodes: list[dict], parent: str | None = None) -> list[dict]:
    """Return what ``category_tree`` found as the API writes it."""
    return [
        {
            "code": node["category"].code,
            "name": node["category"].label,
            "parent": parent,
            "products": node["products"],
            "children": tree_shape(node["children"], node["category"].code),
        }
        for node in nodes
    ]
