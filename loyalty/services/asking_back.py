"""Points of units that are asked back wait until their return is over (R10).

Whatever was told, twice, late or in any order: it is looked at what is open now, and a
lot keeps aside what a refund of it would take (``points_due``), to the point.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from loyalty.models import PointsAccount, PointsEntry, PointsLot, Program
from loyalty.queries.earned_lines import first_units, units_back, units_of
from loyalty.queries.program import program
from loyalty.queries.purchases import kinds_that_earn
from loyalty.rules.clawback import Shortage
from loyalty.services.catching_up import book_until
from loyalty.services.order_points import source_of
from loyalty.services.points_due import Settlement, dues_of, earnings_of
from loyalty.services.refund_points import not_settled, settlement_of
from orders.models import Order, Refund, ReturnRequest
from orders.queries.exchanges import replacements_of
from orders.queries.refunds import goods_minor, line_of, root_of
from orders.rules.returns import OPEN
from orders.services.refund_preview import plan_units

#: As many as are still there and nobody reserves.
_SET_ASIDE = """
UPDATE loyalty_pointslot l
   SET asked_back = least(asked.points, l.remaining - l.held)
  FROM unnest(%(lots)s::bigint[], %(points)s::bigint[]) AS asked (lot_id, points)
 WHERE l.id = asked.lot_id
   AND l.asked_back <> least(asked.points, l.remaining - l.held)
"""


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a return, or a refund under way, will take back of an order.

    ``asked_at`` is None for a refund without a return: it only counts before others.
    """

    order: Order
    settlement: Settlement
    asked_at: datetime | None


@transaction.atomic
def hold_asked_back(*, order_id: int, now: datetime) -> None:
    """Let points of units asked back wait, and let go what is asked back no more (R10).

    Only points that were pending when the return was asked for wait; those that could
    be spent by then are taken like any (P16). They wait in their lot with its dates:
    who asks for a return and withdraws it wins no time (P9). What goes on pays debt in
    the next night (P18).

    An exchange waits like a return, for it may end as one, and goes on when the other
    goods are paid: its units live on in them (R13). Orders of nobody, and points that
    came active with an import, have nothing to wait for.

    Args:
        order_id: of the return; orders that replace its units are looked at with it.
    """
    order = Order.objects.select_related("exchange_of").get(pk=order_id)
    root = root_of(order)
    if root.member_id is None or root.paid_at is None:
        return
    account = book_until(
        member_id=root.member_id,
        source=root.source,
        until=max(root.paid_at, order.paid_at or root.paid_at),
        now=now,
    )
    set_aside(root=root, account=account, now=now)


def set_aside(*, root: Order, account: PointsAccount, now: datetime) -> None:
    """Keep aside what open returns of an order would take now; see ``hold_asked_back``.

    Args:
        root: first paid; the account of its member is locked and its points booked.
    """
    family = [root, *replacements_of([root.pk])[root.pk]]
    entries = list(
        PointsEntry.objects.filter(
            account_id__in=account.accounts,
            kind=PointsEntry.Kind.EARN,
            source__in=[source_of(order) for order in family],
        )
    )
    earned = {entry.source: entry.pk for entry in entries}
    lots = {lot.entry_id: lot for lot in PointsLot.objects.filter(entry__in=entries)}
    if not lots or source_of(root) not in earned:
        return
    earnings = earnings_of(entries, lots=[])
    asked = Counter({lot.pk: 0 for lot in lots.values()})
    for claim in _claims(family, account, now):
        by_order = [
            (order, earnings[earned[source_of(order)]])
            for order in line_of(claim.order)
            if source_of(order) in earned
        ]
        for due in dues_of(claim.settlement, earnings=by_order):
            lot = lots.get(earned[source_of(due.order)])
            if lot is not None and _was_pending(lot, claim.asked_at):
                asked[lot.pk] += due.points - due.deducted
    with connection.cursor() as cursor:
        cursor.execute(
            _SET_ASIDE, {"lots": list(asked), "points": list(asked.values())}
        )


def _was_pending(lot: PointsLot, asked_at: datetime | None) -> bool:
    if asked_at is None:
        return False
    return lot.active_at is None or asked_at < lot.active_at


def _claims(
    family: Sequence[Order], account: PointsAccount, now: datetime
) -> Iterator[_Claim]:
    """Yield refunds that took nothing yet, then open returns, as they were asked for.

    Each counts what came before it, as the refunds themselves will (P19).
    """
    terms = program()
    yield from _refunds_under_way(family, account, terms)
    requests = (
        ReturnRequest.objects.filter(order__in=family, state__in=OPEN)
        .select_related("order__exchange_of", "refund")
        .prefetch_related("lines__order_line")
        .order_by("requested_at", "pk")
    )
    yield from _open_returns(requests, terms, now)


def _refunds_under_way(
    family: Sequence[Order], account: PointsAccount, terms: Program
) -> Iterator[_Claim]:
    refunds = list(
        not_settled(
            Refund.objects.filter(
                order__in=family,
                state__in=[Refund.State.REQUESTED, Refund.State.COMPLETED],
            ),
            accounts=account.accounts,
        )
        .select_related("order__exchange_of", "return_request")
        .order_by("requested_at", "pk")
    )
    ids = [refund.pk for refund in refunds]
    goods = goods_minor(ids, kinds=kinds_that_earn(terms)) if ids else {}
    for refund in refunds:
        request = getattr(refund, "return_request", None)
        value = goods.get(refund.pk, 0)
        units: Mapping[int, int] = units_back(refund)
        if request is not None and request.awaits_difference:
            # Not paid in time, the exchange is a return for money again.
            value += refund.exchanged_minor
            units = first_units(refund.order, units_of([refund.pk])[refund.pk])
        settlement = settlement_of(refund, goods_minor=value, terms=terms, units=units)
        yield _Claim(refund.order, settlement, request and request.requested_at)


def _open_returns(
    requests: Iterable[ReturnRequest], terms: Program, now: datetime
) -> Iterator[_Claim]:
    kinds = kinds_that_earn(terms)
    asked: dict[int, Counter[int]] = defaultdict(Counter)
    value: Counter[int] = Counter()
    units: dict[int, Counter[int]] = defaultdict(Counter)
    for request in requests:
        order = request.order
        asked[order.pk].update(_units_asked(request))
        if not asked[order.pk]:
            continue
        # All of an order so far, less what those before it asked for: shares of units
        # are cumulative (R2).
        planned = plan_units(order, items=asked[order.pk])
        back = Counter({at: part.quantity for at, part in planned.units.items()})
        goods = planned.value_minor(kinds)
        settlement = Settlement(
            source=f"return:{request.public_id}",
            points_back=0,
            goods_minor=goods - value[order.pk],
            units=first_units(order, back - units[order.pk]),
            shortage=Shortage(terms.claw_back),
            points_deducted=0,
            occurred_at=now,
            grace=terms.return_grace,
        )
        value[order.pk], units[order.pk] = goods, back
        yield _Claim(order, settlement, request.requested_at)


def _units_asked(request: ReturnRequest) -> Mapping[int, int]:
    """Return by position the units a return promises to give back.

    While its exchange waits for the difference, those that were accepted are counted by
    its refund.
    """
    found = {}
    for line in request.lines.all():
        units = line.quantity
        if request.awaits_difference:
            seen = line.inspected_quantity
            units -= line.quantity if seen is None else seen
        if units:
            found[line.order_line.position] = units
    return found
