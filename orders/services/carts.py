"""Filling a cart. Every verb locks the cart; an ordered cart does not change."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from crm.shared.planned import planned_cursor
from crm.shared.whole_rows import Columns
from members.models import Address
from members.services.addressing import AddressGone
from orders.models import Cart, CartLine, Channel, Order, Variant
from orders.queries.catalogue import sold_in
from orders.reasons import reason_params, reason_text
from orders.rules.offers import Refused
from orders.services.guessing import Guesser, counted_try
from orders.services.quoting import PricedCart, quote_with_code

_CART = Columns(Cart, "orders_cart")
_LOCK = f"""
SELECT {_CART.text} FROM orders_cart
 WHERE id = %s AND merged_into_id IS NULL FOR UPDATE
"""  # noqa: S608  names of columns
MOST_LINES = 200
MOST_UNITS = 9999
MOST_CODES = 10
MOST_POINTS = 2**31 - 1


class CartOrdered(Refusal):
    """This cart has been ordered already."""

    code = "cart_already_ordered"
    message = _("This cart has been ordered already.")


class ItemUnavailable(Refusal):
    """%(sku)s is not sold."""

    code = "item_unavailable"
    status = 422
    message = _("%(sku)s is not sold.")


class NotInChannel(ItemUnavailable):
    """%(sku)s is not sold in this sales channel."""

    code = "not_in_channel"
    message = _("%(sku)s is not sold in this sales channel.")


class CartFull(Refusal):
    """The cart cannot take that much."""

    code = "cart_full"
    status = 422
    message = _("The cart cannot take that much.")


class ItemGone(Refusal):
    """This is not in the cart."""

    code = "not_found"
    status = 404
    message = _("This is not in the cart.")


class CouponRefused(Refusal):
    """A coupon that does not apply to this cart, and why."""

    status = 422

    def __init__(self, why: Refused):
        """Keep the reason."""
        super().__init__(**reason_params(why, settings.SHOP_CURRENCY))
        self.code = why.code
        self.why = why

    def __str__(self) -> str:
        """Return the reason in the active language."""
        return reason_text(self.why, settings.SHOP_CURRENCY)


class UnknownChannel(Refusal):
    """There is no such sales channel."""

    code = "unknown_channel"
    status = 422
    message = _("There is no such sales channel.")


@transaction.atomic
def create_cart(
    *,
    member_id: int | None,
    channel_code: str = "",
    campaign: str = "",
    device: str = Order.Device.UNKNOWN,
    now: datetime,
) -> Cart:
    """Open an empty cart, of a member or of whoever will know its id.

    Args:
        campaign: code of what brought the buyer; its order will name it.
        device: what the buyer orders with, one of ``Order.Device``.

    Raises:
        UnknownChannel: no such sales channel.
    """
    channel = None
    if channel_code:
        channel = Channel.objects.filter(code=channel_code).first()
        if channel is None:
            raise UnknownChannel
    return Cart.objects.create(
        member_id=member_id,
        channel=channel,
        campaign=campaign,
        device=device,
        created_at=now,
        updated_at=now,
    )


def lock_cart(*, cart_id: int) -> Cart:
    """Lock a cart and return it. For use in a transaction.

    Raises:
        ItemGone: it was deleted, or became part of another cart, meanwhile.
    """
    # By hand: every change of a cart and every checkout begins here.
    with planned_cursor() as cursor:
        cursor.execute(_LOCK, [cart_id])
        row = cursor.fetchone()
    cart = _CART.row(row) if row else None
    if cart is None:
        raise ItemGone
    return cart


def _open(cart_id: int, now: datetime) -> Cart:
    cart = lock_cart(cart_id=cart_id)
    # A statement after the lock: it sees what a checkout left that had it before us.
    if not Cart.objects.filter(pk=cart_id, order=None).update(updated_at=now):
        raise CartOrdered
    return cart


@transaction.atomic
def add_item(*, cart_id: int, sku: str, quantity: int, now: datetime) -> CartLine:
    """Put units of a SKU into a cart, on top of those already there.

    Raises:
        ItemUnavailable: the SKU is unknown or not sold.
        NotInChannel: it is sold, but not where this cart is.
        CartFull: too many units or too many different SKUs.
    """
    cart = _open(cart_id, now)
    here = Q(channel=cart.channel_id) if cart.channel_id else None
    variant = (
        Variant.objects.filter(sku=sku, is_active=True, product__is_listed=True)
        .annotate(is_in_channel=sold_in(here, product="product_id"))
        .first()
    )
    if variant is None:
        raise ItemUnavailable(sku=sku)
    if not variant.is_in_channel:
        raise NotInChannel(sku=sku)
    lines = list(cart.lines.all())
    line = next((each for each in lines if each.variant_id == variant.pk), None)
    if line is None:
        if len(lines) >= MOST_LINES or quantity > MOST_UNITS:
            raise CartFull
        return CartLine.objects.create(cart=cart, variant=variant, quantity=quantity)
    if line.quantity + quantity > MOST_UNITS:
        raise CartFull
    line.quantity += quantity
    line.save(update_fields=["quantity"])
    return line


@transaction.atomic
def change_item(*, cart_id: int, item: str, quantity: int, now: datetime) -> None:
    """Set the units of a line; 0 takes it out.

    Raises:
        ItemGone: no such line in this cart.
        CartFull: too many units.
    """
    _open(cart_id, now)
    if quantity > MOST_UNITS:
        raise CartFull
    lines = CartLine.objects.filter(cart_id=cart_id, public_id=item)
    if quantity:
        changed = lines.update(quantity=quantity)
    else:
        changed, _rows = lines.delete()
    if not changed:
        raise ItemGone


def try_coupon(*, cart_id: int, code: str, guesser: Guesser, now: datetime) -> None:
    """Add a code that somebody typed; wrong ones are counted (C5).

    Raises:
        TooOften: too many wrong codes in ten minutes.
        CouponRefused, CartFull: see ``add_coupon``.
    """
    counted_try(
        lambda: add_coupon(cart_id=cart_id, code=code, now=now),
        guesser=guesser,
        now=now,
    )


@transaction.atomic
def add_coupon(*, cart_id: int, code: str, now: datetime) -> None:
    """Add a coupon code that lowers this cart's price; adding it twice is once.

    Raises:
        CouponRefused: it takes nothing off; says why.
        CartFull: too many codes.
    """
    cart = _open(cart_id, now)
    if code in cart.coupon_codes:
        return
    if len(cart.coupon_codes) >= MOST_CODES:
        raise CartFull
    quote = quote_with_code(cart=cart, code=code, now=now)
    if not any(each.source_kind == "coupon" for each in quote.applied):
        reasons = (*quote.refused, *quote.skipped)
        why = next((e.why for e in reasons if e.source_kind == "coupon"), None)
        raise CouponRefused(why or Refused("coupon_not_found"))
    codes = [*cart.coupon_codes, code]
    Cart.objects.filter(pk=cart_id).update(coupon_codes=codes)


@transaction.atomic
def remove_coupon(*, cart_id: int, code: str, now: datetime) -> None:
    """Take a coupon code out of a cart.

    Raises:
        ItemGone: the code is not in this cart.
    """
    cart = _open(cart_id, now)
    if code not in cart.coupon_codes:
        raise ItemGone
    codes = [each for each in cart.coupon_codes if each != code]
    Cart.objects.filter(pk=cart_id).update(coupon_codes=codes)


@transaction.atomic
def set_points(*, cart_id: int, points: int, now: datetime) -> None:
    """Say how many points the member wants to spend; the quote says how many go."""
    _open(cart_id, now)
    Cart.objects.filter(pk=cart_id).update(points_to_spend=points)


@transaction.atomic
def attach_cart(*, cart_id: int, member_id: int, now: datetime) -> None:
    """Give a visitor's cart to a member who signed in. Again is harmless.

    Raises:
        ItemGone: the cart is somebody else's.
    """
    own_cart(cart=_open(cart_id, now), member_id=member_id)


def own_cart(*, cart: Cart, member_id: int) -> None:
    """Make a locked cart the member's, if it is nobody's.

    Raises:
        ItemGone: it is somebody else's.
    """
    if cart.member_id is None:
        Cart.objects.filter(pk=cart.pk).update(member_id=member_id)
        cart.member_id = member_id
    if cart.member_id != member_id:
        raise ItemGone


@transaction.atomic
def set_address(
    *, cart_id: int, member_id: int, address: str | None, now: datetime
) -> None:
    """Say which of the member's addresses the cart goes to; None is not known yet.

    A visitor's cart becomes the member's.

    Raises:
        AddressGone: the member has no such address.
        ItemGone: the cart is somebody else's.
    """
    own_cart(cart=_open(cart_id, now), member_id=member_id)
    found = None
    if address is not None:
        mine = Address.objects.filter(member_id=member_id, public_id=address)
        found = mine.values_list("pk", flat=True).first()
        if found is None:
            raise AddressGone
    Cart.objects.filter(pk=cart_id).update(address_id=found)


@transaction.atomic
def set_province(*, cart_id: int, province: str, now: datetime) -> None:
    """Say where the cart goes, for an estimate of freight; an address knows better."""
    _open(cart_id, now)
    Cart.objects.filter(pk=cart_id).update(province=province)


@transaction.atomic
def delete_cart(*, cart_id: int, now: datetime) -> None:
    """Throw a cart away.

    Raises:
        CartOrdered: its order still points to it.
    """
    _open(cart_id, now).delete()


def keep_seen(*, priced: PricedCart) -> None:
    """Keep with a cart the price that its holder is shown after changing it (S23).

    Reading keeps nothing, so what changed since is told until the next change. Where
    the cart was changed again meanwhile, that change shows its own price.
    """
    cart, seen = priced.cart, priced.seen
    if seen != cart.seen:
        same = Cart.objects.filter(pk=cart.pk, updated_at=cart.updated_at)
        same.update(seen=seen)
