"""What they buy and what it costs.

Owns: catalogue, prices, stock, carts, pricing pipeline, orders, payments, refunds.
Stands on members.
Publishes: ``OrderPlaced``, ``OrderPaid``, ``OrderCancelled``, ``ReturnMoved``,
``RefundCompleted``, ``OrdersImported``. Sockets: ``OFFER_SOURCES``,
``PRICE_AUDIENCES``, ``PAYMENT_PROVIDERS``.
"""
