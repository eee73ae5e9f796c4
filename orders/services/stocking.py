"""Stock moves by conditional writes (X5). Whole orders at once, ids in order.

``reserved`` is promised to unpaid orders. A SKU whose ``on_hand`` is not kept never
runs out; its reservations are counted all the same, so that counting may begin later.
The statement that changes the counters writes the moves of the ledger, too: neither
exists without the other.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from crm.shared.planned import planned_cursor
from orders.models import OrderLine, StockMove, Variant
from orders.services.moving import actor_name

#: SKU -> units.
Units = Mapping[int, int]

_LOCK = """
SELECT id FROM orders_variant WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE
"""
#: ``asked``: units by SKU and order; ``total``: by SKU, for several orders may want
#: the same; ``moved``: the counters, where the condition holds.
_MOVE = """
WITH asked AS (
    SELECT * FROM unnest(%(variants)s::bigint[], %(orders)s::bigint[], %(units)s::int[])
        AS a (variant_id, order_id, quantity)
), total AS (
    SELECT variant_id, sum(quantity)::int AS quantity FROM asked GROUP BY variant_id
), moved AS (
    UPDATE orders_variant v
       SET reserved = v.reserved + {reserved} * t.quantity,
           on_hand = v.on_hand + {on_hand} * t.quantity
      FROM total t
     WHERE v.id = t.variant_id {condition}
    RETURNING v.id, v.on_hand IS NOT NULL AS is_kept
), noted AS (
    INSERT INTO orders_stockmove (variant_id, kind, delta_on_hand, delta_reserved,
                                  order_id, actor, reason, occurred_at)
    SELECT m.id, %(kind)s, CASE WHEN m.is_kept THEN {on_hand} * a.quantity ELSE 0 END,
           {reserved} * a.quantity, a.order_id, %(actor)s, %(reason)s, %(now)s
      FROM moved m JOIN asked a ON a.variant_id = m.id
     ORDER BY m.id, a.order_id
)
SELECT id FROM moved
"""
_RESERVE = _MOVE.format(
    reserved="1",
    on_hand="0",
    condition="AND (v.on_hand IS NULL OR v.on_hand - v.reserved >= t.quantity)",
)
_RELEASE = _MOVE.format(reserved="-1", on_hand="0", condition="")
_SELL = _MOVE.format(reserved="-1", on_hand="-1", condition="")
_RETURN = _MOVE.format(reserved="0", on_hand="1", condition="")


class OutOfStock(Refusal):
    """Not enough of %(sku)s is left."""

    code = "out_of_stock"
    message = _("Not enough of %(sku)s is left.")
    #: Keys of all SKUs that are short; programs and people are told one of them.
    variant_ids: frozenset[int] = frozenset()


def reserve_stock(quantities: Units, *, order_id: int, now: datetime) -> None:
    """Promise units to an order: all of them or none.

    Raises:
        OutOfStock: a SKU has fewer units left than wanted.
    """
    lock_stock(quantities)
    kind = StockMove.Kind.RESERVED
    got = _move(_RESERVE, kind, _of_one(quantities, order_id), now)
    short = sorted(set(quantities) - got)
    if short:
        sku = Variant.objects.values_list("sku", flat=True).get(pk=short[0])
        refusal = OutOfStock(sku=sku)
        refusal.variant_ids = frozenset(short)
        raise refusal


def release_stock(quantities: Units, *, order_id: int, now: datetime) -> None:
    """Give promised units back to the shelf."""
    release_stock_of_orders({order_id: quantities}, now=now)


def release_stock_of_orders(orders: Mapping[int, Units], *, now: datetime) -> None:
    """Give back what several orders were promised, in one statement."""
    asked = [
        (variant_id, order_id, quantity)
        for order_id, quantities in orders.items()
        for variant_id, quantity in quantities.items()
    ]
    _move(_RELEASE, StockMove.Kind.RELEASED, asked, now)


def sell_stock(quantities: Units, *, order_id: int, now: datetime) -> None:
    """Take promised units off the shelf: they were paid."""
    _move(_SELL, StockMove.Kind.SOLD, _of_one(quantities, order_id), now)


def return_stock(
    quantities: Units,
    *,
    order_id: int,
    now: datetime,
    actor: Any = None,
    reason: str = "",
) -> None:
    """Put goods that came back and were found good on the shelf again (R15).

    Where stock is not kept the move is noted and counts nothing. For use in a
    transaction that holds the lock of the SKUs or takes no other.

    Args:
        actor: who inspected them: a login, or the name of a program.
    """
    lock_stock(quantities)
    _move(
        _RETURN,
        StockMove.Kind.RETURNED,
        _of_one(quantities, order_id),
        now,
        actor=actor,
        reason=reason,
    )


def lock_stock(variant_ids: Iterable[int]) -> None:
    """Lock SKUs in the order of their ids, so that no two orders can deadlock."""
    with planned_cursor() as cursor:
        cursor.execute(_LOCK, [sorted(variant_ids)])


def units_of_orders(order_ids: list[int]) -> dict[int, int]:
    """Return SKU -> units of some orders. Lines never change: no lock is needed."""
    units: dict[int, int] = {}
    for quantities in units_by_order(order_ids).values():
        for variant_id, quantity in quantities.items():
            units[variant_id] = units.get(variant_id, 0) + quantity
    return units


def units_by_order(order_ids: list[int]) -> dict[int, dict[int, int]]:
    """Return order -> SKU -> units."""
    units: dict[int, dict[int, int]] = {}
    lines = OrderLine.objects.filter(order_id__in=order_ids)
    for order_id, variant_id, quantity in lines.values_list(
        "order_id", "variant_id", "quantity"
    ):
        mine = units.setdefault(order_id, {})
        mine[variant_id] = mine.get(variant_id, 0) + quantity
    return units


def _of_one(quantities: Units, order_id: int) -> list[tuple[int, int, int]]:
    return [(pk, order_id, quantity) for pk, quantity in quantities.items()]


def _move(
    statement: str,
    kind: str,
    asked: list[tuple[int, int, int]],
    now: datetime,
    *,
    actor: Any = None,
    reason: str = "",
) -> set[int]:
    asked = sorted(each for each in asked if each[2])
    if not asked:
        return set()
    variants, orders, units = zip(*asked, strict=True)
    with planned_cursor() as cursor:
        cursor.execute(
            statement,
            {
                "variants": list(variants),
                "orders": list(orders),
                "units": list(units),
                "kind": kind,
                "actor": actor_name(actor),
                "reason": reason[:200],
                "now": now,
            },
        )
        return {row[0] for row in cursor.fetchall()}
