"""Staff pages of the catalogue, orders, money coming in and money going back."""

from orders.admin import (
    catalogue,
    catalogue_tree,
    freight,
    gift_card,
    importing,
    payment,
    refund,
    return_request,
    review,
    shipment,
    wallet,
)

__all__ = [
    "catalogue",
    "catalogue_tree",
    "freight",
    "gift_card",
    "importing",
    "payment",
    "refund",
    "return_request",
    "review",
    "shipment",
    "wallet",
]
