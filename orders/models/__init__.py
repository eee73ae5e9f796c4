"""Tables of the orders app."""

from orders.models.cart import Cart, CartLine
from orders.models.catalogue import Category, Channel, Product, Variant
from orders.models.freight import FreightRule, OrderAddress
from orders.models.importing import ImportBatch, ImportIssue
from orders.models.order import Allocation, AppliedOffer, Order, OrderEvent, OrderLine
from orders.models.payment import Payment, PaymentCallback
from orders.models.prices import Price
from orders.models.refund import Adjustment, Refund, RefundLine, UnmatchedReturn

__all__ = [
    "Adjustment",
    "Allocation",
    "AppliedOffer",
    "Cart",
    "CartLine",
    "Category",
    "Channel",
    "FreightRule",
    "ImportBatch",
    "ImportIssue",
    "Order",
    "OrderAddress",
    "OrderEvent",
    "OrderLine",
    "Payment",
    "PaymentCallback",
    "Price",
    "Product",
    "Refund",
    "RefundLine",
    "UnmatchedReturn",
    "Variant",
]
