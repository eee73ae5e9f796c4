"""Tables of the orders app."""

from orders.models.cart import Cart, CartLine
from orders.models.catalogue import Category, Channel, Product, Variant
from orders.models.importing import ImportBatch, ImportIssue
from orders.models.order import Allocation, AppliedOffer, Order, OrderEvent, OrderLine
from orders.models.payment import Payment, PaymentCallback
from orders.models.refund import Adjustment, Refund, RefundLine, UnmatchedReturn
from orders.models.shipment import Shipment, ShipmentLine

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
    "RefundLine",
    "Shipment",
    "ShipmentLine",
    "UnmatchedReturn",
    "Variant",
]
