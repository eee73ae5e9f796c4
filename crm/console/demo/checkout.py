"""Buying as a storefront does: cart, quote, order, payment by the test gateway."""

from collections.abc import Mapping
from datetime import datetime

from orders.models import Order, Payment
from orders.providers.test import signed_message
from orders.services.carts import add_item, create_cart
from orders.services.checkout import place_order
from orders.services.payment import start_payment, take_callback
from orders.services.quoting import quote_cart


def order_of(*, member_id: int, items: Mapping[str, int], at: datetime) -> Order:
    """Place an order of so many units of SKUs; it is not paid yet."""
    cart = create_cart(member_id=member_id, channel_code="mini-program", now=at)
    for sku, quantity in items.items():
        add_item(cart_id=cart.pk, sku=sku, quantity=quantity, now=at)
    quote = quote_cart(cart=cart, now=at)
    return place_order(cart_id=cart.pk, quote_hash=quote.hash, now=at)


def pay(order: Order, *, at: datetime) -> Payment:
    """Pay what is open at the test gateway, and let it tell."""
    payment = start_payment(order_id=order.pk, provider="test", now=at)
    tell_captured(payment, order, at=at)
    return payment


def tell_captured(payment: Payment, order: Order, *, at: datetime) -> None:
    """Let the test gateway tell that money came in."""
    body, headers = signed_message(
        payment_id=payment.public_id,
        amount_minor=payment.amount_minor,
        currency=order.currency,
    )
    take_callback(provider="test", body=body, headers=headers, now=at)
