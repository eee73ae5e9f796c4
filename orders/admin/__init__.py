"""Staff pages of the catalogue, orders and money going back."""

from orders.admin import catalogue, importing, order, refund, return_request

__all__ = ["catalogue", "importing", "order", "refund", "return_request"]
