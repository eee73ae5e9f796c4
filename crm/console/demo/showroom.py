"""Dresses the demo catalogue: tags, weights, attributes, special prices, pictures.

Draws nothing from ``shop.chance``: what is planted later must not depend on it.
"""

import io
import random
from datetime import timedelta

from PIL import Image, ImageDraw

from crm.console.demo.shop import HISTORY, DemoShop
from orders.models import (
    Attribute,
    Price,
    Product,
    ProductAttribute,
    ProductImage,
    Variant,
)
from orders.services.indexing import index_products

#: Category -> attribute's value, in both languages.
MATERIALS = {
    "tea": ("云南", "Yunnan"),
    "kitchen": ("陶瓷", "Ceramic"),
    "bedding": ("棉麻", "Cotton and linen"),
    "bath": ("长绒棉", "Long-staple cotton"),
    "baby": ("食品级硅胶", "Food-grade silicone"),
    "stationery": ("黄铜与纸", "Brass and paper"),
}
#: Every so many products: one is on sale, one is cheaper for members, one for gold.
EVERY = 12
SIDE = 320
#: Paper and ink of the styles, in the order of the catalogue.
COLOURS = (
    *("#efe7d8", "#b8c7d3", "#b9c4a4", "#cf8f6d", "#5f6568"),
    *("#f3e6d6", "#f0c9cf", "#8a5a3b", "#d7e0e0", "#dcc48e"),
)


def plant(shop: DemoShop) -> None:
    """Dress what ``shop.variants`` are."""
    kind = Attribute.objects.create(
        code="material", name=shop.text("材质产地", "Material"), name_en="Material"
    )
    values, pictures, drawn = [], [], {}
    ids = random.Random("showroom")  # noqa: S311  no secret
    for serial, variant in enumerate(shop.variants):
        product = variant.product
        code, style = product.category.code, serial % len(COLOURS)
        product.tags = _tags(shop, serial)
        variant.weight_grams = 150 + 25 * (serial % 40)
        variant.barcode = f"69{serial:011d}"
        chinese, english = MATERIALS[code]
        values.append(
            ProductAttribute(
                product=product,
                attribute=kind,
                value=shop.text(chinese, english),
                value_en=english,
            )
        )
        if (code, style) not in drawn:
            drawn[code, style] = _drawn(sorted(MATERIALS).index(code), COLOURS[style])
        pictures.append(
            ProductImage(
                public_id=f"img_{ids.getrandbits(100):026d}"[:30],
                product=product,
                alt=product.name,
                alt_en=product.name_en,
                picture=drawn[code, style],
                created_at=shop.now - HISTORY,
            )
        )
    products = [variant.product for variant in shop.variants]
    Product.objects.bulk_update(products, ["tags"])
    Variant.objects.bulk_update(shop.variants, ["weight_grams", "barcode"])
    ProductAttribute.objects.bulk_create(values)
    ProductImage.objects.bulk_create(pictures)
    Price.objects.bulk_create(_prices(shop))
    index_products(product_ids=[product.pk for product in products])


def _tags(shop: DemoShop, serial: int) -> list[str]:
    tags = []
    if serial % 5 == 0:
        tags.append(shop.text("送礼", "gift"))
    if serial % 8 == 0:
        tags.append(shop.text("新品", "new"))
    return tags


def _prices(shop: DemoShop) -> list[Price]:
    """Return special prices; none for the SKU whose demand is a story."""
    prices = []
    for serial, variant in enumerate(shop.variants):
        place = serial % EVERY
        if place in _SPECIAL:
            kind, audience, share, ends = _SPECIAL[place]
            prices.append(
                Price(
                    variant=variant,
                    kind=kind,
                    audience=audience,
                    amount_minor=variant.price_minor * share // 100,
                    starts_at=shop.now - timedelta(days=2),
                    ends_at=shop.now + timedelta(days=ends) if ends else None,
                    actor="demo",
                    created_at=shop.now - timedelta(days=3),
                )
            )
    return prices


#: Place in a dozen -> kind, audience, percent of the list price, days it still lasts.
_SPECIAL = {
    3: ("sale", "", 80, 9),
    6: ("member", "member", 95, None),
    9: ("member", "tier:gold", 90, None),
}


def _drawn(shape: int, colour: str) -> bytes:
    """Return a WebP of one simple shape on paper."""
    picture = Image.new("RGB", (SIDE, SIDE), "#faf8f4")
    draw = ImageDraw.Draw(picture)
    low, high = SIDE // 5, SIDE - SIDE // 5
    if shape % 3 == 0:
        draw.ellipse((low, low, high, high), fill=colour, outline="#40403c", width=3)
    elif shape % 3 == 1:
        draw.rounded_rectangle(
            (low, low + 20 * shape, high, high),
            radius=24,
            fill=colour,
            outline="#40403c",
            width=3,
        )
    else:
        draw.polygon(
            [(SIDE // 2, low), (high, high), (low, high)],
            fill=colour,
            outline="#40403c",
        )
    draw.line((low, high + 18, high, high + 18), fill="#d8d2c4", width=4)
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=80)
    return out.getvalue()
