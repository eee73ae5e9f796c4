"""Carts as their holders may see them."""

from django.db.models import Exists, OuterRef, Prefetch, Q

from orders.models import Cart, CartLine, Product


def with_lines(carts):
    """Load carts with everything a price needs, in two statements."""
    limits = Product.channels.through.objects.filter(
        product=OuterRef("variant__product")
    )
    lines = (
        CartLine.objects.select_related("variant__product__category")
        .annotate(
            is_in_channel=~Exists(limits)
            | Exists(limits.filter(channel=OuterRef("cart__channel")))
        )
        .order_by("id")
    )
    return carts.select_related("channel").prefetch_related(Prefetch("lines", lines))


def find_cart(*, public_id: str, member_id: int | None) -> Cart | None:
    """Return a cart to who may see it.

    A visitor's cart answers anybody who knows its unguessable id, a member's cart
    only that member.
    """
    mine = Q(member__isnull=True)
    if member_id is not None:
        mine |= Q(member_id=member_id)
    return with_lines(Cart.objects.filter(mine, public_id=public_id)).first()


def is_sold(line: CartLine) -> bool:
    """Whether a line can be ordered as far as the catalogue goes.

    The line comes from ``with_lines``: what is limited to other channels than the
    cart's is not sold in it.
    """
    variant = line.variant
    return variant.is_active and variant.product.is_listed and line.is_in_channel
