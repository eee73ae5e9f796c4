"""What the lines of an order earned, and which of their units came back (P19)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Sum

from loyalty.rules.clawback import EarnedLine
from orders.models import Order, OrderLine, Product, Refund, RefundLine
from orders.queries.exchanges import traced_back
from orders.queries.refunds import root_of


def split_of(
    trace: Mapping[str, Any], lines: Mapping[int, tuple[int, int]]
) -> dict[int, EarnedLine]:
    """Return what lines earned as an entry's trace keeps it; empty where it does not.

    Args:
        lines: position -> units and net of the order's lines; see ``lines_of``.
    """
    return {
        int(key): EarnedLine(points, *lines[int(key)])
        for key, points in trace.get("lines", {}).items()
        if int(key) in lines
    }


def lines_of(public_ids: Sequence[str]) -> dict[str, dict[int, tuple[int, int]]]:
    """Return units and net of lines by the source of their order, in one statement.

    Freight is no line of goods: what it earned is shared by their value.
    """
    found: dict[str, dict[int, tuple[int, int]]] = defaultdict(dict)
    if public_ids:
        rows = OrderLine.objects.filter(order__public_id__in=public_ids)
        goods = rows.exclude(kind=Product.Kind.FREIGHT)
        for public_id, position, *units_and_net in goods.values_list(
            "order__public_id", "position", "quantity", "net_minor"
        ):
            found[f"order:{public_id}"][position] = tuple(units_and_net)
    return found


def units_back(refund: Refund) -> dict[int, int]:
    """Return the units a refund took back; what was exchanged lives on (R13)."""
    if refund.kind == Refund.Kind.EXCHANGE:
        return {}
    return first_units(refund.order, units_of([refund.pk]).get(refund.pk, {}))


def first_units(order: Order, units: Mapping[int, int]) -> Mapping[int, int]:
    """Return units of an order as those of the order that was first paid (R14)."""
    root = root_of(order)
    return units if root == order else traced_back(order, dict(units), to=root)


def units_of(refund_ids: Sequence[int]) -> dict[int, dict[int, int]]:
    """Return by refund the units of its lines, by position, in one statement."""
    found: dict[int, dict[int, int]] = defaultdict(dict)
    rows = RefundLine.objects.filter(refund_id__in=refund_ids)
    sums = rows.values_list("refund_id", "order_line__position").annotate(
        Sum("quantity")
    )
    for refund_id, position, units in sums:
        found[refund_id][position] = units
    return found
