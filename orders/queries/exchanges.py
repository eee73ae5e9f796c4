"""Where units are that were exchanged: in orders that replace them, or back (R13)."""

from collections.abc import Collection, Mapping

from django.db.models import Sum

from orders.models import Order, OrderLine, Refund, RefundLine

_GIVEN = (Refund.State.REQUESTED, Refund.State.COMPLETED)


def living_on(line_ids: Collection[int]) -> dict[int, int]:
    """Return by line its units that are still kept as others, however often exchanged.

    A statement or two for each time that units were exchanged.
    """
    if not line_ids:
        return {}
    exchanged: dict[int, int] = dict(
        RefundLine.objects.filter(
            order_line_id__in=line_ids,
            refund__kind=Refund.Kind.EXCHANGE,
            refund__state__in=_GIVEN,
        )
        .values_list("order_line_id")
        .annotate(Sum("quantity"))
    )
    replacing = list(
        OrderLine.objects.filter(replaces_id__in=list(exchanged))
        .exclude(order__state=Order.State.CANCELLED)
        .values_list("pk", "replaces_id", "refunded_quantity")
    )
    below = living_on([pk for pk, _replaced, _back in replacing])
    for pk, replaced, refunded in replacing:
        exchanged[replaced] -= refunded - below.get(pk, 0)
    return exchanged


def orders_after(order: Order) -> list[int]:
    """Return the orders that replace units of an order, or of those again."""
    return [each.pk for each in replacements_of([order.pk])[order.pk]]


def replacements_of(order_ids: Collection[int]) -> dict[int, list[Order]]:
    """Return by order those that replace units of it, or of those again.

    A statement for each time that units were exchanged, and one.
    """
    found: dict[int, list[Order]] = {pk: [] for pk in order_ids}
    first = {pk: pk for pk in order_ids}
    last = list(order_ids)
    while last:
        after = list(Order.objects.filter(exchange_of_id__in=last).order_by("pk"))
        for order in after:
            first[order.pk] = first[order.exchange_of_id]
            found[first[order.pk]].append(order)
        last = [order.pk for order in after]
    return found


def traced_back(order: Order, items: Mapping[int, int], *, to: Order) -> dict[int, int]:
    """Return units of an order as units of the one they came from, by position.

    Args:
        to: an order before it, by any number of exchanges.
    """
    lines = order.lines.filter(position__in=list(items))
    units = {pk: items[at] for pk, at in lines.values_list("pk", "position")}
    while True:
        rows = OrderLine.objects.filter(pk__in=list(units)).values_list(
            "pk", "order_id", "position", "replaces_id"
        )
        found: dict[int, int] = {}
        before: dict[int, int] = {}
        for pk, order_id, position, replaced in rows:
            if order_id == to.pk:
                found[position] = found.get(position, 0) + units[pk]
            else:
                before[replaced] = before.get(replaced, 0) + units[pk]
        if not before:
            return found
        units = before
