"""Stock moves by conditional writes (X5). Whole orders at once, ids in order.

``reserved`` is promised to unpaid orders. A SKU whose ``on_hand`` is not kept never
runs out; its reservations are counted all the same, so that counting may begin later.
"""

from collections.abc import Mapping

from django.db import connection
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from orders.models import OrderLine, Variant

_LOCK = """
SELECT id FROM orders_variant WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE
"""
_RESERVE = """
UPDATE orders_variant AS v SET reserved = v.reserved + w.quantity
FROM unnest(%s::bigint[], %s::int[]) AS w (id, quantity)
WHERE v.id = w.id AND (v.on_hand IS NULL OR v.on_hand - v.reserved >= w.quantity)
RETURNING v.id
"""
_RELEASE = """
UPDATE orders_variant AS v SET reserved = v.reserved - w.quantity
FROM unnest(%s::bigint[], %s::int[]) AS w (id, quantity) WHERE v.id = w.id
RETURNING v.id
"""
_SELL = """
UPDATE orders_variant AS v
SET reserved = v.reserved - w.quantity, on_hand = v.on_hand - w.quantity
FROM unnest(%s::bigint[], %s::int[]) AS w (id, quantity) WHERE v.id = w.id
RETURNING v.id
"""


class OutOfStock(Refusal):
    """Not enough of %(sku)s is left."""

    code = "out_of_stock"
    message = _("Not enough of %(sku)s is left.")


def reserve_stock(quantities: Mapping[int, int]) -> None:
    """Promise units to an order: all of them or none.

    Raises:
        OutOfStock: a SKU has fewer units left than wanted.
    """
    lock_stock(quantities)
    got = _move(_RESERVE, quantities)
    short = sorted(set(quantities) - got)
    if short:
        sku = Variant.objects.values_list("sku", flat=True).get(pk=short[0])
        raise OutOfStock(sku=sku)


def release_stock(quantities: Mapping[int, int]) -> None:
    """Give promised units back to the shelf."""
    _move(_RELEASE, quantities)


def sell_stock(quantities: Mapping[int, int]) -> None:
    """Take promised units off the shelf: they were paid."""
    _move(_SELL, quantities)


def lock_stock(variant_ids: Mapping[int, int]) -> None:
    """Lock SKUs in the order of their ids, so that no two orders can deadlock."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [sorted(variant_ids)])


def units_of_orders(order_ids: list[int]) -> dict[int, int]:
    """Return SKU -> units of some orders. Lines never change: no lock is needed."""
    units: dict[int, int] = {}
    lines = OrderLine.objects.filter(order_id__in=order_ids)
    for variant_id, quantity in lines.values_list("variant_id", "quantity"):
        units[variant_id] = units.get(variant_id, 0) + quantity
    return units


def _move(statement: str, quantities: Mapping[int, int]) -> set[int]:
    ids = sorted(quantities)
    with connection.cursor() as cursor:
        cursor.execute(statement, [ids, [quantities[pk] for pk in ids]])
        return {row[0] for row in cursor.fetchall()}
