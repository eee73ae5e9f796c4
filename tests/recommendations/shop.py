"""What the tests of recommendations buy."""

from orders.models import Order, OrderLine, Product
from tests.cast import NOON, make_member, make_variant


def make_product(sku: str, *, kind: str = "goods", listed: bool = True) -> Product:
    """Write a product with one SKU of the same name."""
    product = make_variant(sku, 1_000, kind=kind).product
    Product.objects.filter(pk=product.pk).update(is_listed=listed)
    product.refresh_from_db()
    return product


def buy(member, *products, at=NOON, state="completed", refunded=0) -> Order:
    """Write a paid order of one unit of each product."""
    total = 1_000 * len(products)
    order = Order.objects.create(
        number=f"R{Order.objects.count() + 1}",
        member=member,
        currency="CNY",
        state=state,
        goods_minor=total,
        total_minor=total,
        paid_minor=total,
        placed_at=at,
        paid_at=None if state == "pending" else at,
    )
    for position, product in enumerate(products, start=1):
        variant = product.variants.get()
        OrderLine.objects.create(
            order=order,
            position=position,
            variant=variant,
            sku=variant.sku,
            name=product.name,
            kind=product.kind,
            quantity=1,
            unit_price_minor=1_000,
            gross_minor=1_000,
            net_minor=1_000,
            refunded_quantity=refunded,
        )
    return order


def crowd(size: int, first: int = 500) -> list:
    """Write members."""
    return [make_member(first + number) for number in range(size)]
