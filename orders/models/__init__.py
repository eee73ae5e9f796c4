"""Tables of the orders app."""

from orders.models.cart import Cart, CartLine
from orders.models.catalogue import (
    Attribute,
    Brand,
    Category,
    Channel,
    Product,
    ProductAttribute,
    ProductWords,
    Variant,
)
from orders.models.freight import FreightRule, OrderAddress
from orders.models.gift_card import GiftCard
from orders.models.importing import ImportBatch, ImportIssue
from orders.models.order import Allocation, AppliedOffer, Order, OrderLine
from orders.models.order_event import OrderEvent
from orders.models.payment import Payment, PaymentCallback
from orders.models.picture import ProductImage
from orders.models.prices import Price
from orders.models.refund import (
    Adjustment,
    Refund,
    RefundDeduction,
    RefundLine,
    RefundTender,
    UnmatchedReturn,
)
from orders.models.return_request import ReturnEvent, ReturnLine, ReturnRequest
from orders.models.review import Review, ReviewPicture, ReviewVote
from orders.models.shipment import Shipment, ShipmentLine
from orders.models.stock import StockMove
from orders.models.wallet import Wallet, WalletEntry

__all__ = [
    "Adjustment",
    "Allocation",
    "AppliedOffer",
    "Attribute",
    "Brand",
    "Cart",
    "CartLine",
    "Category",
    "Channel",
    "FreightRule",
    "GiftCard",
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
    "ProductAttribute",
    "ProductImage",
    "ProductWords",
    "Refund",
    "RefundDeduction",
    "RefundLine",
    "RefundTender",
    "ReturnEvent",
    "ReturnLine",
    "ReturnRequest",
    "Review",
    "ReviewPicture",
    "ReviewVote",
    "Shipment",
    "ShipmentLine",
    "StockMove",
    "UnmatchedReturn",
    "Variant",
    "Wallet",
    "WalletEntry",
]
