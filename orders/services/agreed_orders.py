"""Orders of one SKU at a price agreed elsewhere, such as a seat in a group."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from orders.models import CartLine, Order
from orders.services.carts import create_cart, set_address
from orders.services.checkout import place_order
from orders.services.quoting import quote_cart
from orders.services.writing_orders import AS_ALWAYS, OrderTerms


@dataclass(frozen=True, slots=True)
class Agreement:
    """So many units of a SKU at an agreed unit price in minor units.

    ``kind`` names what agreed on it, such as ``group``: the order line keeps it.
    """

    variant_id: int
    unit_price_minor: int
    kind: str
    quantity: int = 1


@transaction.atomic
def place_agreed_order(
    *,
    member_id: int,
    agreement: Agreement,
    address: str | None = None,
    terms: OrderTerms = AS_ALWAYS,
    now: datetime,
) -> Order:
    """Order at an agreed price: a cart of one line that goes to checkout at once.

    No offer on goods touches the price (S2). Stock, freight and the time to pay are
    those of every order.

    Args:
        address: public id of the member's address where it goes.
        terms: how long there is to pay, and what the order waits for besides.

    Raises:
        ItemUnavailable, OutOfStock, MemberMayNotOrder: as they say.
        AddressGone: the member has no such address.
    """
    cart = create_cart(member_id=member_id, now=now)
    if address is not None:
        set_address(cart_id=cart.pk, member_id=member_id, address=address, now=now)
        cart.refresh_from_db()
    CartLine.objects.create(
        cart=cart,
        variant_id=agreement.variant_id,
        quantity=agreement.quantity,
        agreed_minor=agreement.unit_price_minor,
        agreed_kind=agreement.kind,
    )
    # Nobody else sees the cart before it is ordered: what it costs now, it costs then.
    quote = quote_cart(cart=cart, now=now)
    return place_order(cart_id=cart.pk, quote_hash=quote.hash, terms=terms, now=now)
