"""How often a member bought before: the one place where a quote reads it."""

from datetime import datetime
from typing import Any

from orders.models.order import EXCHANGE
from orders.rules.lifecycle import STANDING

#: How many orders the member ``buyer`` paid that stand, and when the last one was
#: placed, as JSON. What replaces units of an order, and what still waits for a group,
#: is no purchase of its own.
PURCHASES = """(
    SELECT json_build_array(count(*), max(b.placed_at)) FROM orders_order b
     WHERE b.member_id = %(buyer)s AND b.state = ANY(%(standing)s)
       AND b.source <> %(exchange)s AND b.waits_for = ''
       AND b.id IS DISTINCT FROM %(asking)s
)"""


def purchases_asked(*, member_id: int | None, order_id: int | None) -> dict[str, Any]:
    """Return the parameters of ``PURCHASES``; nobody has bought nothing.

    Args:
        order_id: an order that asks again; it is none of those before.
    """
    return {
        "buyer": member_id,
        "standing": list(STANDING),
        "exchange": EXCHANGE,
        "asking": order_id,
    }


def purchases_of(row: list) -> tuple[int, datetime | None]:
    """Return what ``PURCHASES`` found."""
    count, last = row
    return count, None if last is None else datetime.fromisoformat(last)
