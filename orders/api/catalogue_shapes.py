"""Writes the catalogue as ``catalogue_serializers`` describes it."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from django.conf import settings
from django.urls import get_script_prefix, reverse

from crm.shared.bilingual import request_reader
from crm.shared.money import as_api
from orders.queries.catalogue import ShownProduct, ShownSku
from orders.rules.shown_prices import ShownPrice


def product_shape(
    product: ShownProduct, prices: Sequence[ShownPrice]
) -> dict[str, Any]:
    """Return a product, with what each of its SKUs costs who asks."""
    read, currency = request_reader(), settings.SHOP_CURRENCY
    prefix = get_script_prefix()
    return {
        "id": product.public_id,
        "name": read(product.name, product.name_en),
        "kind": product.kind,
        "brand": read(product.brand_name or "", product.brand_name_en or ""),
        "brand_code": product.brand_code,
        "category": product.category_code,
        "tags": product.tags,
        "description": product.description,
        "attributes": [
            {
                "code": code,
                "name": read(name, name_en),
                "value": read(value, value_en),
            }
            for code, name, name_en, value, value_en in product.attributes
        ],
        "images": [
            {
                "url": _picture_url(prefix, product.public_id, image),
                "alt": read(alt, alt_en),
                "sku": sku,
            }
            for image, alt, alt_en, sku in product.images
        ],
        "variants": [
            _sku(sku, shown, currency)
            for sku, shown in zip(product.skus, prices, strict=True)
        ],
    }


def _picture_url(prefix: str, product: str, picture: str) -> str:
    before, between, after = _around_picture(prefix)
    return f"{before}{product}{between}{picture}{after}"


@cache
def _around_picture(prefix: str) -> list[str]:
    """Return what stands around the two ids in a picture's address.

    Made once per place where the shop is mounted: a page has twenty pictures and more,
    and ids need no quoting.
    """
    marks = "1st", "2nd"
    address = reverse("product-image", args=marks)
    return re.split("|".join(marks), address)


def _sku(sku: ShownSku, shown: ShownPrice, currency: str) -> dict[str, Any]:
    price = shown.price
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
