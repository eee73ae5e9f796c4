"""Carts as their holders may see them."""

from django.db.models import Prefetch, Q

from orders.models import Cart, CartLine


def with_lines(carts):
    """Load carts with everything a price needs, in two statements."""
    lines = CartLine.objects.select_related("variant__product__category").order_by("id")
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
    """Whether a line can be ordered as far as the catalogue goes; needs its variant."""
    return line.variant.is_active and line.variant.product.is_listed
