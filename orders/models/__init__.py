"""Tables of the orders app."""

from orders.models.cart import Cart, CartLine
from orders.models.catalogue import Category, Channel, Product, Variant
from orders.models.importing import ImportBatch, ImportIssue
from orders.models.order import Allocation, AppliedOffer, Order, OrderEvent, OrderLine
from orders.models.payment import Payment, PaymentCallback
from orders.models.refund import (
    Adjustment,
    Refund,
    RefundDeduction,
    RefundLine,
    RefundTender,
    UnmatchedReturn,
)
from orders.models.return_request import ReturnEvent, ReturnLine, ReturnRequest

__all__ = [
    "Adjustment",
    "Allocation",
    "AppliedOffer",
    "Cart",
    "CartLine",
    "Category",
    "Channel",
    "ImportBatch",
    "ImportIssue",
    "Order",
    "OrderEvent",
    "OrderLine",
    "Payment",
    "PaymentCallback",
    "Product",
    "Refund",
    "RefundDeduction",
    "RefundLine",
    "RefundTender",
    "ReturnEvent",
    "ReturnLine",
    "ReturnRequest",
    "UnmatchedReturn",
    "Variant",
]
