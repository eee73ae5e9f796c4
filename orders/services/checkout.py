"""Turning a cart into an order: all of it in one transaction, or nothing."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from crm.shared.outbox import record
from members.models import Member
from orders.events import OrderPlaced
from orders.models import Allocation, Cart, Order, OrderEvent, OrderLine
from orders.queries.carts import is_sold
from orders.rules.offers import Applied
from orders.rules.quotes import Quote
from orders.services.carts import ItemGone, ItemUnavailable, lock_cart, own_cart
from orders.services.numbering import new_order_number
from orders.services.payment import settle_paid
from orders.services.quoting import offer_sources, quote_cart
from orders.services.stocking import reserve_stock


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

    def __init__(self, cart: Cart, quote: Quote):
        """Keep the new price; the door hands it on (S27)."""
        super().__init__()
        self.cart = cart
        self.quote = quote


@transaction.atomic
def place_order(
    *,
    cart_id: int,
    member_id: int | None = None,
    quote_hash: str = "",
    expected_total_minor: int | None = None,
    now: datetime,
) -> Order:
    """Order what is in a cart at the price the buyer saw.

    A cart becomes at most one order: asked again, the first one is returned. Nothing
    is written when any part is refused. The number of statements does not depend on
    the number of lines.

    Args:
        member_id: who orders; a visitor's cart becomes theirs.
        quote_hash: version of the quote the buyer agreed to; or
        expected_total_minor: the total they saw. One of them at least.

    Raises:
        CartTotalChanged: the price is another one now; carries the new quote.
        CartEmpty, ItemUnavailable, OutOfStock, MemberMayNotOrder: as they say.
        Refusal: an offer source could not claim what the quote used.
    """
    cart = lock_cart(cart_id=cart_id)
    if member_id is not None:
        if not own_cart(cart_id=cart_id, member_id=member_id):
            raise ItemGone
        cart.member_id = member_id
    placed = Order.objects.filter(cart_id=cart_id).first()
    if placed:
        return placed
    _refuse_unsellable(cart)
    quote = quote_cart(cart=cart, now=now)
    _refuse_stale(cart, quote, quote_hash, expected_total_minor)
    order = _write_order(cart, quote, now)
    _claim(quote.applied, order, now)
    reserve_stock(_units(quote), order_id=order.pk, now=now)
    _write_lines(order, quote)
    record(OrderPlaced(order_id=order.pk))
    if order.total_minor == 0:
        settle_paid(order=order, paid_minor=0, actor="checkout", now=now)
    return order


def _refuse_unsellable(cart: Cart) -> None:
    lines = list(cart.lines.all())
    if not lines:
        raise CartEmpty
    gone = [line for line in lines if not is_sold(line)]
    if gone:
        raise ItemUnavailable(sku=gone[0].variant.sku)
    if cart.member_id is not None:
        # Locked: a membership that is being frozen at this moment is waited for.
        member = Member.objects.select_for_update(no_key=True).get(pk=cart.member_id)
        if not member.may_spend:
            raise MemberMayNotOrder


def _refuse_stale(
    cart: Cart, quote: Quote, quote_hash: str, expected_total_minor: int | None
) -> None:
    if not quote_hash and expected_total_minor is None:
        raise ValueError("The buyer must have agreed to a quote or a total.")
    if (quote_hash and quote_hash != quote.hash) or (
        expected_total_minor is not None and expected_total_minor != quote.total_minor
    ):
        raise CartTotalChanged(cart, quote)


def _write_order(cart: Cart, quote: Quote, now: datetime) -> Order:
    order = Order.objects.create(
        number=new_order_number(now=now),
        member_id=cart.member_id,
        cart=cart,
        channel_id=cart.channel_id,
        currency=quote.currency,
        goods_minor=quote.goods_minor,
        discount_minor=quote.discount_minor,
        freight_minor=quote.freight_minor,
        total_minor=quote.total_minor,
        points_spent=quote.points_spent,
        quote_hash=quote.hash,
        placed_at=now,
        payment_due_at=now + timedelta(minutes=settings.PAYMENT_MINUTES),
    )
    OrderEvent.objects.create(
        order=order, to_state=order.state, actor="checkout", occurred_at=now
    )
    return order


def _claim(applied: Sequence[Applied], order: Order, now: datetime) -> None:
    """Reserve points, then coupons, then promotions: the lock order of the house."""
    sources = {source.source_kind: source for source in offer_sources()}
    for each in sorted(applied, key=lambda a: (-a.stage, a.source_kind, a.source_id)):
        sources[each.source_kind].claim(each, order_id=order.pk, now=now)


def _units(quote: Quote) -> dict[int, int]:
    units: dict[int, int] = {}
    for each in quote.lines:
        line = each.line
        units[line.variant_id] = units.get(line.variant_id, 0) + line.quantity
    return units


def _write_lines(order: Order, quote: Quote) -> None:
    lines = OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            position=each.line.position,
            variant_id=each.line.variant_id,
            sku=each.line.sku,
            name=each.line.name,
            kind=each.line.kind,
            quantity=each.line.quantity,
            unit_price_minor=each.line.unit_price_minor,
            gross_minor=each.line.gross_minor,
            discount_minor=each.discount_minor,
            net_minor=each.net_minor,
        )
        for each in quote.lines
    )
    Allocation.objects.bulk_create(_allocations(lines, quote))


def _allocations(lines: Sequence[OrderLine], quote: Quote) -> Iterator[Allocation]:
    for line in lines:
        for applied, amount_minor, points in quote.shares_of(line.position):
            yield Allocation(
                line=line,
                source_kind=applied.source_kind,
                source_id=applied.source_id,
                source_name=applied.name,
                amount_minor=amount_minor,
                points=points,
            )
