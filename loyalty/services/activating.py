"""Let pending points count (P9): when goods arrived, or the account is open again."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q

from loyalty.models import Benefit, PointsAccount, PointsLot, Program
from loyalty.queries.benefits import best_numbers
from loyalty.queries.program import program
from loyalty.services.one_by_one import together_or_alone
from loyalty.services.order_points import activation_of, end_of_points
from loyalty.services.posting import book_of, lot_of, post
from orders.models import Order

#: Lots without a date whose order has arrived; a frozen account's wait on (P14).
#: ``substr`` keeps the order's index.
_ARRIVED = """
SELECT l.id, o.id
  FROM loyalty_pointslot l
  JOIN loyalty_pointsentry e ON e.id = l.entry_id
  JOIN loyalty_pointsaccount a ON a.member_id = l.account_id AND NOT a.is_frozen
  JOIN orders_order o ON o.public_id = substr(e.source, 7)
 WHERE l.active_at IS NULL AND e.source LIKE 'order:%%'
   AND coalesce(o.delivered_at, o.closed_at) <= %(now)s
   AND (%(order)s::bigint IS NULL OR o.id = %(order)s)
 ORDER BY l.id
 LIMIT %(limit)s
"""


@transaction.atomic
def date_lots(*, now: datetime, order_id: int | None = None, limit: int = 1_000) -> int:
    """Give lots that waited for a delivery their dates; return how many.

    Their term counts from the day they become active. Set-based: a few statements for
    one lot or a thousand. Dated once, so another call finds nothing; accounts in use
    by others are left to the next one.

    Args:
        order_id: of this order alone; of all that arrived by ``now`` when left out.
        limit: most lots to look at; call again until 0.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ARRIVED, {"now": now, "order": order_id, "limit": limit})
        order_of = dict(cursor.fetchall())
    locked = _locked(
        PointsLot.objects.filter(pk__in=order_of).values_list("account_id", flat=True),
        skip_locked=order_id is None,
    )
    # Read again under the lock: somebody else may have dated them, or frozen theirs.
    accounts = [pk for pk, account in locked.items() if not account.is_frozen]
    lots = list(
        PointsLot.objects.filter(
            pk__in=order_of, account_id__in=accounts, active_at=None
        )
    )
    orders = Order.objects.in_bulk(order_of.values())
    terms = program()
    owners = {lot.account_id for lot in lots}
    longer = best_numbers(owners, Benefit.Kind.POINTS_TERM, now) if owners else {}
    for lot in lots:
        begins = _begins(orders[order_of[lot.pk]], terms)
        _date(lot, begins, terms, more_months=longer.get(lot.account_id, 0))
    PointsLot.objects.bulk_update(lots, ["active_at", "expires_at"])
    return len(lots)


def date_waiting(*, account: PointsAccount, now: datetime) -> None:
    """Give lots of a locked account that is opened their dates (P14).

    What came in while it was frozen counts from now, and its term with it; after a
    freeze for fraud as if there had been none. What waits for a delivery waits on.

    Args:
        account: as it was while frozen; ``is_fraud`` tells why.
    """
    lots = list(
        PointsLot.objects.filter(account=account, active_at=None)
        .select_related("entry")
        .order_by("pk")
    )
    if not lots:
        return
    sources = [lot.entry.source.removeprefix("order:") for lot in lots]
    orders = {
        f"order:{order.public_id}": order
        for order in Order.objects.filter(public_id__in=sources)
    }
    terms = program()
    longer = best_numbers([account.pk], Benefit.Kind.POINTS_TERM, now)
    for lot in lots:
        order = orders.get(lot.entry.source)
        begins = _begins(order, terms) if order else lot.entry.occurred_at
        if begins is not None and not account.is_fraud:
            begins = max(begins, now)
        _date(lot, begins, terms, more_months=longer.get(account.pk, 0))
    PointsLot.objects.bulk_update(lots, ["active_at", "expires_at"])


def _begins(order: Order, terms: Program) -> datetime | None:
    order.delivered_at = order.delivered_at or order.closed_at
    return activation_of(order, terms=terms)


def _date(
    lot: PointsLot, begins: datetime | None, terms: Program, *, more_months: int
) -> None:
    lot.active_at = begins
    lot.expires_at = end_of_points(
        active_at=begins, terms=terms, more_months=more_months
    )


def pay_debts(*, now: datetime, limit: int = 1_000) -> int:
    """Let points that became active by ``now`` pay what is owed; return the payers.

    Nobody in debt could spend them anyway (P18). Again, or for a day that is past, it
    pays what could have been paid then and is still owed. Who cannot pay is logged, and
    stops no other (P29).

    Args:
        limit: most members to look at; call again until 0.
    """
    free = PointsLot.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=now),
        account_id=OuterRef("pk"),
        active_at__lte=now,
        remaining__gt=F("asked_back"),
        is_open=True,
        held=0,
    )
    owing = PointsAccount.objects.filter(Exists(free), debt__gt=0).order_by("pk")
    ids = list(owing.values_list("pk", flat=True)[:limit])
    return together_or_alone(
        lambda: _pay(ids, now),
        ids=lambda: ids,
        alone=lambda member_id: _pay([member_id], now),
        what="the payment of debt",
    )


def _pay(member_ids: Sequence[int], now: datetime) -> int:
    accounts = _locked(member_ids, skip_locked=True)
    lots = defaultdict(list)
    for row in PointsLot.objects.filter(account_id__in=accounts, is_open=True):
        lots[row.account_id].append(lot_of(row))
    books = []
    for pk, account in accounts.items():
        book = book_of(account, lots=lots[pk])
        if book.pay_debt(source=f"debt:{account.seq + 1}", at=now):
            books.append(book)
    post(books)
    return len(books)


def _locked(ids, *, skip_locked: bool) -> dict[int, PointsAccount]:
    rows = PointsAccount.objects.select_for_update(
        no_key=True, skip_locked=skip_locked
    ).filter(pk__in=set(ids))
    return {account.pk: account for account in rows.order_by("pk")}
