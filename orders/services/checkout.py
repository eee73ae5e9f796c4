"""Turning a cart into an order: all of it in one transaction, or nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from crm.shared.outbox import record
from crm.shared.planned import planned_cursor
from members.rules.lifecycle import TABLE
from orders.events import OrderPlaced
from orders.models import Cart, Order
from orders.queries.carts import CartContents, contents_of
from orders.rules.gifts import known_article
from orders.rules.offers import Applied
from orders.rules.quotes import Quote
from orders.services.carts import (
    ItemUnavailable,
    NotInChannel,
    lock_cart,
    own_cart,
)
from orders.services.payment import settle_paid
from orders.services.quoting import (
    PricedCart,
    known_audiences_of,
    offer_sources,
    price_contents,
)
from orders.services.stocking import OutOfStock, reserve_stock
from orders.services.writing_orders import AS_ALWAYS, OrderTerms, write_order

_LOCK_MEMBER = """
SELECT state FROM members_member WHERE id = %s FOR NO KEY UPDATE
"""


class CartEmpty(Refusal):
    """There is nothing in the cart."""

    code = "cart_empty"
    status = 422
    message = _("There is nothing in the cart.")


class MemberMayNotOrder(Refusal):
    """This membership cannot place orders at the moment."""

    code = "member_not_active"
    message = _("This membership cannot place orders at the moment.")


class CartTotalChanged(Refusal):
    """The price has changed since it was shown; look at the new one."""

    code = "cart_total_changed"
    message = _("The price has changed since it was shown. Please look again.")

    def __init__(self, priced: PricedCart):
        """Keep the new price; the door hands it on (S27)."""
        super().__init__()
        self.priced = priced

    @property
    def quote(self) -> Quote:
        """Return the new price."""
        return self.priced.quote


class _GiftsGone(Exception):
    """Somebody else got the last units of a gift after the price was made (S17)."""


def place_order(
    *,
    cart_id: int,
    member_id: int | None = None,
    quote_hash: str = "",
    expected_total_minor: int | None = None,
    address: Mapping[str, Any] | None = None,
    terms: OrderTerms = AS_ALWAYS,
    now: datetime,
) -> Order:
    """Order what is in a cart at the price the buyer saw.

    A cart becomes at most one order: asked again, the first one is returned. Nothing
    is written when any part is refused. The number of statements does not depend on
    the number of lines. Gifts that ran out meanwhile are a price that changed: with
    another gift, or none (S17).

    Args:
        member_id: who orders; a visitor's cart becomes theirs.
        quote_hash: version of the quote the buyer agreed to; or
        expected_total_minor: the total they saw. One of them at least.
        address: lines of where it goes, as ``add_address`` of the members takes them;
            the cart's address without. Freight is reckoned for it.
        terms: how long there is to pay, and what the order waits for besides.

    Raises:
        CartTotalChanged: the price is another one now; carries the new quote.
        ItemGone: there is no such cart of this member.
        CartEmpty, ItemUnavailable, NotInChannel, OutOfStock: as they say.
        MemberMayNotOrder: the membership is frozen or over.
        BadProfile: a line of the address cannot be kept.
        Refusal: an offer source could not claim what the quote used.
    """
    wanted = _Wanted(quote_hash, expected_total_minor, address, terms)
    try:
        with transaction.atomic():
            return _place(cart_id, member_id, wanted, now)
    except _GiftsGone:
        pass
    cart = Cart.objects.get(pk=cart_id)
    cart.member_id = cart.member_id or member_id
    contents = wanted.going(contents_of(cart_id=cart_id, at=now))
    raise CartTotalChanged(price_contents(cart=cart, contents=contents, now=now))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the buyer agreed to, and on what terms."""

    quote_hash: str
    expected_total_minor: int | None
    address: Mapping[str, Any] | None
    terms: OrderTerms

    def going(self, contents: CartContents) -> CartContents:
        """Return the contents on the way to the address, if there is another one."""
        if self.address is None:
            return contents
        return contents.going_to(self.address.get("province") or "")


def _place(
    cart_id: int, member_id: int | None, wanted: _Wanted, now: datetime
) -> Order:
    cart = lock_cart(cart_id=cart_id)
    if member_id is not None:
        own_cart(cart=cart, member_id=member_id)
    contents = contents_of(cart_id=cart_id, at=now)
    if contents.order_id is not None:
        return Order.objects.get(pk=contents.order_id)
    _refuse_unsellable(cart, contents)
    contents = wanted.going(contents)
    priced = price_contents(cart=cart, contents=contents, now=now)
    _refuse_stale(priced, wanted.quote_hash, wanted.expected_total_minor)
    order = write_order(
        cart=cart,
        quote=priced.quote,
        audiences=known_audiences_of(priced.request),
        region=contents.province,
        address=wanted.address,
        terms=wanted.terms,
        now=now,
    )
    _claim(priced.quote.applied, order, now)
    _reserve(priced.quote, order, now)
    record(OrderPlaced(order_id=order.pk))
    if order.total_minor == 0:
        settle_paid(order=order, paid_minor=0, actor="checkout", now=now)
    return order


def _refuse_unsellable(cart: Cart, contents: CartContents) -> None:
    if not contents.items:
        raise CartEmpty
    for item in contents.items:
        if not item.is_in_channel:
            raise NotInChannel(sku=item.sku)
        if not item.is_sold:
            raise ItemUnavailable(sku=item.sku)
    if cart.member_id is not None:
        # Locked: a membership that is being frozen at this moment is waited for.
        with planned_cursor() as cursor:
            cursor.execute(_LOCK_MEMBER, [cart.member_id])
            (state,) = cursor.fetchone()
        if not TABLE[state].spend:
            raise MemberMayNotOrder


def _refuse_stale(
    priced: PricedCart, quote_hash: str, expected_total_minor: int | None
) -> None:
    if not quote_hash and expected_total_minor is None:
        raise ValueError("The buyer must have agreed to a quote or a total.")
    quote = priced.quote
    if (quote_hash and quote_hash != quote.hash) or (
        expected_total_minor is not None and expected_total_minor != quote.total_minor
    ):
        raise CartTotalChanged(priced)


def _claim(applied: Sequence[Applied], order: Order, now: datetime) -> None:
    """Reserve points, then coupons, then promotions: the lock order of the house."""
    sources = {source.source_kind: source for source in offer_sources()}
    for each in sorted(applied, key=lambda a: (-a.stage, a.source_kind, a.source_id)):
        sources[each.source_kind].claim(each, order_id=order.pk, now=now)


def _reserve(quote: Quote, order: Order, now: datetime) -> None:
    """Promise what was bought and the gifts with it, in the same statements.

    Raises:
        OutOfStock: too little is left of what was bought.
        _GiftsGone: of a gift alone.
    """
    units: dict[int, int] = {}
    for each in quote.lines:
        line = each.line
        units[line.variant_id] = units.get(line.variant_id, 0) + line.quantity
    gifts = set()
    for _applied, gift in quote.gifts:
        variant_id = known_article(gift).variant_id
        units[variant_id] = units.get(variant_id, 0) + gift.quantity
        gifts.add(variant_id)
    try:
        reserve_stock(units, order_id=order.pk, now=now)
    except OutOfStock as refused:
        if refused.variant_ids <= gifts:
            raise _GiftsGone from refused
        raise
