"""Plants carts that members and visitors filled and left, for back-tests to price."""

from datetime import timedelta

from crm.console.demo.shop import DemoShop
from orders.models import Variant
from orders.services.carts import add_item, create_cart

#: One every so many days; whose they are and what is in them goes by their number.
CARTS, _EVERY = 12, timedelta(days=2, hours=5)


def plant(shop: DemoShop) -> None:
    """Fill them with tea, one to five of it, and now and then with something else."""
    tea = Variant.objects.filter(product__category__code="tea").order_by("pk")
    rest = Variant.objects.exclude(product__category__code="tea").order_by("pk")
    teas, others = list(tea[:CARTS]), list(rest[:CARTS])
    # Members who came last are in stories of their own.
    members = [member_id for member_id, _joined in shop.members[-2 * CARTS : -CARTS]]
    for number in range(CARTS):
        at = shop.now - _EVERY * (number + 1)
        is_member = number % 3 > 0
        cart = create_cart(
            member_id=members[number] if is_member else None,
            channel_code="mini-program",
            now=at,
        )
        picked = {teas[number].sku: number % 5 + 1}
        if number % 4 == 0:
            picked[others[number].sku] = 1
        for sku, quantity in picked.items():
            add_item(cart_id=cart.pk, sku=sku, quantity=quantity, now=at)
