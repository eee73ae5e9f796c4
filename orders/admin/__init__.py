"""Staff pages of the catalogue, orders and money going back."""

from orders.admin import catalogue, importing, order, refund, review

__all__ = ["catalogue", "importing", "order", "refund", "review"]
