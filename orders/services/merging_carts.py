"""A visitor signs in: what they put into a cart joins the cart they had."""

from datetime import datetime

from django.db import connection, transaction

from orders.models import Cart, CartLine
from orders.queries.carts import newest_open_cart
from orders.services.carts import (
    MOST_CODES,
    MOST_LINES,
    MOST_UNITS,
    CartFull,
    CartOrdered,
    ItemGone,
)

#: Units of a SKU in both carts add up, as far as a cart goes; ids keep their order.
_MOVE_LINES = """
WITH taken AS (
    DELETE FROM orders_cartline WHERE cart_id = %(visitor)s
    RETURNING id, public_id, variant_id, quantity
)
INSERT INTO orders_cartline (public_id, cart_id, variant_id, quantity)
SELECT public_id, %(into)s, variant_id, quantity FROM taken ORDER BY id
ON CONFLICT (cart_id, variant_id) DO UPDATE
   SET quantity = LEAST(orders_cartline.quantity + EXCLUDED.quantity, %(most)s)
"""


@transaction.atomic
def merge_cart(*, visitor_cart: str, member_id: int, now: datetime) -> Cart:
    """Join a visitor's cart with the one the member is filling; return that.

    Without one the visitor's cart itself becomes the member's. Again, and at the same
    time from two devices, is harmless: a cart that went before is found where it went.

    Args:
        visitor_cart: public id of the visitor's cart.

    Raises:
        ItemGone: there is no such cart, or it is somebody else's.
        CartOrdered: it was ordered.
        CartFull: together they hold too many different SKUs.
    """
    _one_at_a_time(member_id)
    found = Cart.objects.filter(public_id=visitor_cart).values_list("pk", flat=True)
    mine = newest_open_cart(member_id=member_id)
    carts = _locked({*found, *([mine.pk] if mine else [])})
    visitor = next((c for c in carts.values() if c.public_id == visitor_cart), None)
    if visitor is None or visitor.member_id not in (None, member_id):
        raise ItemGone
    if visitor.merged_into_id is not None:
        return Cart.objects.get(pk=visitor.merged_into_id)
    if hasattr(visitor, "order"):
        raise CartOrdered
    into = carts.get(mine.pk) if mine else None
    if into is None or into.pk == visitor.pk or _is_closed(into):
        return _take_over(visitor, member_id, now)
    if visitor.member_id is not None:
        # Another cart of the member is no visitor's: both stay as they are.
        return visitor
    return _join(visitor, into, now)


def _one_at_a_time(member_id: int) -> None:
    """Let a member's carts join one after the other, also where there is none yet.

    Checkout locks a cart before the member, so the member's row cannot be the lock.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext('orders.merge_cart'), %s)",
            [member_id % 2**31],
        )


def _locked(ids: set[int]) -> dict[int, Cart]:
    """Lock carts in the order of their ids, so that two merges cannot deadlock."""
    rows = Cart.objects.select_for_update(of=("self",)).filter(pk__in=ids)
    return {cart.pk: cart for cart in rows.order_by("pk")}


def _is_closed(cart: Cart) -> bool:
    """Whether it was ordered or joined another one while we waited for its lock."""
    return cart.merged_into_id is not None or hasattr(cart, "order")


def _take_over(visitor: Cart, member_id: int, now: datetime) -> Cart:
    visitor.member_id = member_id
    visitor.updated_at = now
    visitor.save(update_fields=["member", "updated_at"])
    return visitor


def _join(visitor: Cart, into: Cart, now: datetime) -> Cart:
    with connection.cursor() as cursor:
        cursor.execute(
            _MOVE_LINES,
            {"visitor": visitor.pk, "into": into.pk, "most": MOST_UNITS},
        )
    if CartLine.objects.filter(cart=into).count() > MOST_LINES:
        raise CartFull
    codes = dict.fromkeys([*into.coupon_codes, *visitor.coupon_codes])
    into.coupon_codes = list(codes)[:MOST_CODES]
    # What brought the buyer this time is what an order would be owed to.
    into.campaign = visitor.campaign or into.campaign
    into.province = into.province or visitor.province
    into.staff_discount = into.staff_discount or visitor.staff_discount
    into.updated_at = now
    into.save(
        update_fields=[
            *("coupon_codes", "campaign", "province", "updated_at"),
            *("staff_percent_bp", "staff_off_minor"),
        ]
    )
    visitor.merged_into = into
    visitor.member_id = into.member_id
    visitor.updated_at = now
    visitor.save(update_fields=["merged_into", "member", "updated_at"])
    return into
