"""What stands about money that went back, and about goods on their way back."""

from collections.abc import Sequence

from django.db.models import F, Q, QuerySet, Sum

from orders.models import (
    Allocation,
    Order,
    OrderLine,
    Payment,
    Refund,
    RefundDeduction,
    RefundLine,
    ReturnLine,
)
from orders.models.order import EXCHANGE
from orders.queries.exchanges import living_on
from orders.rules.refunds import (
    DeductionKind,
    PaidLine,
    Tender,
    TenderRefund,
    tender_shares,
)
from orders.rules.returns import FAULTS

_GIVEN = (Refund.State.REQUESTED, Refund.State.COMPLETED)


def root_of(order: Order) -> Order:
    """Return the order that was first paid with money: itself, or that of exchanges.

    An order that replaces units (R13) was paid with their value; the points spent and
    their lots are those of the order the units came from.
    """
    return line_of(order)[-1]


def line_of(order: Order) -> list[Order]:
    """Return an order and those whose units it replaces, one after the other."""
    line = [order]
    while line[-1].exchange_of is not None:
        line.append(line[-1].exchange_of)
    return line


def paid_lines(order: Order, *, return_id: int | None = None) -> list[PaidLine]:
    """Return the lines of an order as refunds see them, in two or three statements.

    Some more for each time units were exchanged.

    Args:
        return_id: the return request that is refunded; its units are not promised
            to somebody else.
    """
    lines = order.lines.annotate(
        points=Sum("allocations__points"), triggers=F("gift_of__trigger_positions")
    ).order_by("position")
    exchange = Q(refund__kind=Refund.Kind.EXCHANGE)
    rows = (
        RefundLine.objects.filter(refund__order=order, refund__state__in=_GIVEN)
        .values_list("order_line_id")
        .annotate(
            given_points=Sum("points"),
            exchanged=Sum("quantity", filter=exchange, default=0),
        )
    )
    given = {line_id: (points, units) for line_id, points, units in rows}
    own = dict(
        ReturnLine.objects.filter(request_id=return_id).values_list(
            "order_line_id", "quantity"
        )
        if return_id is not None
        else ()
    )
    elsewhere = living_on([pk for pk, (_points, units) in given.items() if units])
    return [
        _paid_line(line, given.get(line.pk, (0, 0)), own, elsewhere.get(line.pk, 0))
        for line in lines
    ]


def _paid_line(
    line: OrderLine, given: tuple[int, int], own: dict[int, int], elsewhere: int
) -> PaidLine:
    listed = line.list_price_minor
    points_returned, exchanged = given
    return PaidLine(
        position=line.position,
        quantity=line.quantity,
        net_minor=line.net_minor,
        refunded_quantity=line.refunded_quantity,
        refunded_minor=line.refunded_minor,
        points=line.points or 0,
        points_returned=points_returned,
        promised=max(0, line.returning_quantity - own.get(line.pk, 0)),
        kind=line.kind,
        list_price_minor=line.unit_price_minor if listed is None else listed,
        gift_of=tuple(line.triggers or ()),
        shipped=line.shipped_quantity,
        exchanged=exchanged,
        elsewhere=elsewhere,
    )


def deducted_before(order: Order) -> dict[DeductionKind, int]:
    """Return what refunds of an order deducted so far, by kind."""
    sums = (
        RefundDeduction.objects.filter(refund__order=order, refund__state__in=_GIVEN)
        .values_list("kind")
        .annotate(Sum("amount_minor"))
    )
    return {DeductionKind(kind): amount for kind, amount in sums}


def gifts_deducted(order_ids: Sequence[int]) -> int:
    """Return what refunds of some orders deducted for gifts that were kept (R8)."""
    standing = RefundDeduction.objects.filter(
        kind=DeductionKind.GIFT_KEPT,
        refund__order_id__in=order_ids,
        refund__state__in=_GIVEN,
    )
    return standing.aggregate(sum=Sum("amount_minor", default=0))["sum"]


def freight_left(order: Order) -> int:
    """Return the freight that was paid and not given back."""
    given = order.refunds.filter(state__in=_GIVEN).aggregate(total=Sum("freight_minor"))
    return max(0, order.freight_minor - (given["total"] or 0))


def freight_points_left(order: Order) -> int:
    """Return the points that paid for delivery (P23) and were not given back.

    They are those of the order that no line has.
    """
    of_lines = Allocation.objects.filter(line__order=order)
    given = order.refunds.filter(state__in=_GIVEN)
    sums = (
        of_lines.aggregate(sum=Sum("points", default=0))["sum"],
        given.aggregate(sum=Sum("freight_points", default=0))["sum"],
    )
    return max(0, order.points_spent - sum(sums))


def freight_unowed(order: Order) -> int:
    """Return the freight that went back because nothing was to be sent any more (R5).

    Not what the shop's fault, or another system, gave back: that stays.
    """
    given = order.refunds.filter(state__in=_GIVEN, external_ref__isnull=True)
    judged = given.exclude(reason_code__in=FAULTS)
    return judged.aggregate(total=Sum("freight_minor"))["total"] or 0


def tenders_of(order: Order) -> list[Tender]:
    """Return how an order was paid, oldest first, and what went back there (R4).

    The value of units it replaces is one of its tenders; what goes back there goes on
    to the payments of those units.
    """
    rows = order.payments.filter(state=Payment.State.CAPTURED).order_by("id")
    return [
        Tender(row.pk, row.provider, row.amount_minor, row.refunded_minor)
        for row in rows
    ]


def tender_parts(order: Order, amount_minor: int) -> list[TenderRefund]:
    """Share money over the payments it came from, through every exchange (R4, R14)."""
    found: list[TenderRefund] = []
    for each in line_of(order):
        shares = tender_shares(amount_minor, tenders_of(each))
        found += [part for part in shares if part.provider != EXCHANGE]
        amount_minor = sum(
            part.amount_minor for part in shares if part.provider == EXCHANGE
        )
    return found


def refunds_of(*, member_id: int) -> QuerySet[Refund]:
    """Return a member's refunds with everything a statement needs."""
    return with_parts(Refund.objects.filter(order__member_id=member_id))


def with_parts(refunds: QuerySet[Refund]) -> QuerySet[Refund]:
    """Return refunds with order, lines, deductions and tenders."""
    return refunds.select_related("order").prefetch_related(
        "lines__order_line", "deductions", "tenders__payment"
    )


def goods_minor(
    refund_ids: Sequence[int], *, kinds: Sequence[str] = ("goods",)
) -> dict[int, int]:
    """Return by refund the value of goods taken back, which earned points (P5).

    Lines of these kinds less what was deducted because of them; freight and fees earned
    nothing. An exchange takes the difference back, if any (R14).
    """
    values: dict[int, int] = {}
    lines = RefundLine.objects.filter(
        order_line__kind__in=kinds, refund_id__in=refund_ids
    )
    deductions = RefundDeduction.objects.filter(
        kind__in=["reprice", "gift_kept", "overpaid"], refund_id__in=refund_ids
    )
    exchanged = Refund.objects.filter(pk__in=refund_ids, exchanged_minor__gt=0)
    for sign, sums in (
        (1, lines.values_list("refund_id").annotate(Sum("amount_minor"))),
        (-1, deductions.values_list("refund_id").annotate(Sum("amount_minor"))),
        (-1, exchanged.values_list("pk", "exchanged_minor")),
    ):
        for refund_id, amount in sums:
            values[refund_id] = values.get(refund_id, 0) + sign * amount
    return {refund_id: max(0, value) for refund_id, value in values.items()}
