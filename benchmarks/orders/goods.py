"""A shop to buy in: SKUs with stock and prices, buyers with carts, live promotions."""

from datetime import UTC, datetime, timedelta

from campaigns.models import Promotion
from members.models import Member
from members.rules.numbers import member_number
from orders.models import Cart, CartLine, Category, FreightRule, Price, Product, Variant

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
SKUS = 200
#: Nothing runs out while it is measured.
_PLENTY = 1_000_000


def stock_the_shelves() -> None:
    """Write SKUs in a small tree, a sale price for each second, and freight rules."""
    root = Category.objects.create(code="root", name="全部")
    leaf = Category.objects.create(code="leaf", name="茶具", parent=root)
    products = Product.objects.bulk_create(
        Product(name=f"商品 {n}", category=leaf, created_at=NOW) for n in range(SKUS)
    )
    variants = Variant.objects.bulk_create(
        Variant(
            product=product,
            sku=f"SKU{n:04}",
            price_minor=5_000 + 10 * n,
            cost_minor=2_000,
            on_hand=_PLENTY,
            weight_grams=200,
        )
        for n, product in enumerate(products)
    )
    Price.objects.bulk_create(
        Price(
            variant=each,
            kind="sale",
            amount_minor=each.price_minor - 500,
            starts_at=NOW,
            created_at=NOW,
        )
        for each in variants[::2]
    )
    FreightRule.objects.bulk_create(
        FreightRule(
            name=f"freight {n}",
            provinces=[f"省份{n}"] if n else [],
            first_minor=1_000,
            step_grams=500,
            step_minor=200,
            free_from_minor=9_900,
        )
        for n in range(10)
    )


def put_on(promotions: int) -> None:
    """Have so many promotions live: one is reached and best, most are out of reach.

    Those of fewer are among them; orders use them, so they stay.
    """
    Promotion.objects.bulk_create(
        Promotion(
            name=f"满减 {n}",
            name_en=f"Promotion {n}",
            state=Promotion.State.LIVE,
            kind="spend_ladder",
            recipe={"gives": {"rungs": [[1_000 + 100_000 * n, 300]]}},
            starts_at=NOW - timedelta(days=1),
        )
        for n in range(Promotion.objects.count(), promotions)
    )


def fill_carts(carts: int, lines: int) -> list[int]:
    """Return ids of carts with so many lines, each of a new member."""
    begun = Member.objects.count()
    members = Member.objects.bulk_create(
        Member(number=member_number(begun + n + 1), name="Buyer", joined_at=NOW)
        for n in range(carts)
    )
    made = Cart.objects.bulk_create(
        Cart(member=member, created_at=NOW, updated_at=NOW) for member in members
    )
    variants = list(Variant.objects.order_by("id").values_list("id", flat=True))
    CartLine.objects.bulk_create(
        CartLine(cart=cart, variant_id=variants[(n * 7 + k) % SKUS], quantity=1 + k % 3)
        for n, cart in enumerate(made)
        for k in range(lines)
    )
    return [cart.pk for cart in made]
