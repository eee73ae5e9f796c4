"""Staff pages of the catalogue, orders and money going back."""

from orders.admin import catalogue, catalogue_tree, importing, order, refund

__all__ = ["catalogue", "catalogue_tree", "importing", "order", "refund"]
