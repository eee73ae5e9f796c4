"""A large shelf: products with Chinese and English names, brands, categories, tags."""

import random
from datetime import UTC, datetime, timedelta

from django.db import connection

from crm.shared.copying import copy_rows
from crm.shared.public_ids import new_public_id
from orders.models import Brand, Category, Product, Variant
from orders.services.indexing import index_due

THINGS = (
    ("茶", "tea"),
    ("碗", "bowl"),
    ("锅", "pan"),
    ("毛巾", "towel"),
    ("枕头", "pillow"),
    ("毯子", "blanket"),
    ("笔记本", "notebook"),
    ("钢笔", "fountain pen"),
    ("奶粉", "milk powder"),
    ("睡袋", "sleeping bag"),
    ("砧板", "chopping board"),
    ("密封罐", "storage jar"),
)
STYLES = (
    ("桂花", "osmanthus"),
    ("雾蓝", "mist blue"),
    ("苔绿", "moss green"),
    ("陶土", "terracotta"),
    ("铸铁", "cast iron"),
    ("竹", "bamboo"),
    ("亚麻", "linen"),
    ("黄铜", "brass"),
    ("手工", "handmade"),
    ("有机", "organic"),
)
#: One product bears this name; finding it must not cost a look at all others.
RARE = ("龙泉青瓷盏", "Longquan celadon cup")
BRANDS = 200
CATEGORIES = 40
_PIECE = 5_000


def fill(*, products: int, seed: int = 7) -> None:
    """Write so many products with a SKU each, indexed, newest last."""
    chance = random.Random(seed)  # noqa: S311  no secret
    born = datetime(2025, 1, 1, tzinfo=UTC)
    brands = Brand.objects.bulk_create(
        Brand(code=f"brand-{n}", name=f"品牌{n:03d}", name_en=f"Brand{n:03d}")
        for n in range(BRANDS)
    )
    categories = Category.objects.bulk_create(
        Category(code=f"shelf-{n}", name=f"货架{n}", name_en=f"Shelf{n}")
        for n in range(CATEGORIES)
    )
    for start in range(0, products, _PIECE):
        rows = []
        for serial in range(start, min(start + _PIECE, products)):
            chinese, english = name(serial, chance, products)
            rows.append(
                Product(
                    public_id=new_public_id("prd"),
                    name=chinese,
                    name_en=english,
                    brand=chance.choice(brands),
                    category=chance.choice(categories),
                    tags=["gift"] if serial % 50 == 0 else [],
                    created_at=born + timedelta(minutes=serial),
                )
            )
        copy_rows(rows)
        copy_rows(
            [
                Variant(product=row, sku=f"SH-{start + n:06d}", price_minor=1_000 + n)
                for n, row in enumerate(rows)
            ]
        )
    while index_due(limit=_PIECE):
        pass
    with connection.cursor() as cursor:
        for table in ("product", "productwords", "variant", "category", "brand"):
            cursor.execute(f"ANALYZE orders_{table}")


def name(serial: int, chance: random.Random, products: int) -> tuple[str, str]:
    """Return what product number ``serial`` is called."""
    if serial == products // 2:
        return RARE
    thing, style = chance.choice(THINGS), chance.choice(STYLES)
    number = chance.randrange(1_000)
    return f"{style[0]}{thing[0]} {number}号", f"{style[1]} {thing[1]} no. {number}"
