"""Staff pages of the catalogue, orders and money going back."""

from orders.admin import catalogue, freight, importing, order, refund

__all__ = ["catalogue", "freight", "importing", "order", "refund"]
