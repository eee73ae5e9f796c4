"""Book what happened to a member in the order in which it happened (X2).

News come late, twice or in any order. Whoever books one event first books what came
before it, so that tiers and multipliers are those of that day (P7).
"""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Q

from loyalty.models import PointsAccount
from loyalty.queries.earning import EarningTerms, earning_terms
from loyalty.queries.purchases import with_basis
from loyalty.services.order_points import (
    book_order,
    earning_orders,
    not_booked,
)
from loyalty.services.posting import locked_account
from loyalty.services.refund_points import book_refund, not_settled
from orders.models import Order, Refund
from orders.rules.lifecycle import SOLD


def book_until(
    *, member_id: int, source: str, until: datetime, now: datetime
) -> PointsAccount:
    """Book a member's paid orders and completed refunds up to ``until``.

    Takes the lock of the account and returns it as it was before. What is booked
    already, also before a merge, is left alone.

    Args:
        source: where the orders came from; imports are booked by ``importing``.
        until: inclusive.
    """
    account = locked_account(member_id=member_id, now=now)
    terms = earning_terms()
    events = _events(account, terms, source, until)
    for _at, _rank, _pk, what in sorted(events):
        if isinstance(what, Order):
            book_order(what, terms=terms, now=now)
        else:
            book_refund(what, now=now)
    return account


def _events(
    account: PointsAccount, terms: EarningTerms, source: str, until: datetime
) -> Iterator[tuple[datetime, int, int, Order | Refund]]:
    """Yield with a key: time, then payments before refunds, then id."""
    orders = Order.objects.filter(
        Q(source=source) | Q(exchange_of__isnull=False),
        member_id=account.member_id,
        state__in=SOLD,
        paid_at__lte=until,
    )
    earning = earning_orders(not_booked(orders, accounts=account.accounts))
    for order in with_basis(earning, terms):
        yield order.paid_at, 0, order.pk, order
    refunds = Refund.objects.select_related("order__exchange_of").filter(
        Q(order__source=source) | Q(order__exchange_of__isnull=False),
        order__member_id=account.member_id,
        order__state__in=SOLD,
        order__paid_at__lte=until,
        state=Refund.State.COMPLETED,
        completed_at__lte=until,
    )
    for refund in not_settled(refunds, accounts=account.accounts):
        yield max(refund.completed_at, refund.order.paid_at), 1, refund.pk, refund
