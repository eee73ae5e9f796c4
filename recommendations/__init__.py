"""What they may like next.

Owns: popularity and bought-together tables. Stands on orders.
Answers: ``OrdersImported``. Publishes nothing.
"""
