"""Exchanges: other goods instead of units that go back (R13, R14).

The old units are given back by a refund of the kind *exchange*. Its value pays the
order that replaces them; a later return of that order draws on the payments, the
points and the lots of the first one. Of cheaper goods the difference goes back like
any refund. Dearer ones are put aside until it is paid: the refund stays open, and is
withdrawn when the time to pay is over.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.hints import hint_on_commit
from orders.models import Order, Refund, RefundLine, RefundTender
from orders.rules.exchanges import ExchangeQuote
from orders.services.exchange_preview import Swap, quote_exchange
from orders.services.moving import actor_name
from orders.services.payment import settle_paid
from orders.services.refunding import (
    SEND_TASK,
    RefundAboveLimit,
    complete_refund,
    count_refund,
    lock_orders,
    tenders_for,
)
from orders.services.stocking import lock_stock, reserve_stock
from orders.services.writing_exchanges import write_exchange

__all__ = ["StaleExchangeQuote", "Swap", "exchange_units", "quote_exchange"]


class StaleExchangeQuote(Refusal):
    """The exchange has changed since it was shown. Please look again."""

    code = "exchange_quote_changed"
    message = _("The exchange has changed since it was shown. Please look again.")


@transaction.atomic
def exchange_units(
    *,
    order_id: int,
    swaps: Sequence[Swap],
    reason: str,
    actor: Any,
    request_key: str,
    is_reserved: bool = False,
    return_id: int | None = None,
    expected_hash: str = "",
    most_minor: int | None = None,
    now: datetime,
) -> Order:
    """Replace units of an order by others; return the order that does.

    Calling again with the same ``request_key`` returns the first one (X1). It is paid
    at once, unless a difference is due: then it waits for that like any order.

    Args:
        swaps: at most one per position.
        is_reserved: the new units were reserved before (R15).
        return_id: the return that is settled; its units are not promised elsewhere.
        expected_hash: version of the quote somebody agreed to; none is not compared.
        most_minor: what the order may have got back in all; None is no limit.

    Raises:
        OrderNotRefundable, NothingToRefund: as they say.
        StaleExchangeQuote: the quote is another one now.
        RefundAboveLimit: more than ``most_minor`` would go back.
        OutOfStock: too few units are left.
    """
    wanted = _wanted_units(swaps)
    lock_stock(wanted)
    order = lock_orders(order_id=order_id)
    done = Refund.objects.filter(request_key=request_key).first()
    if done:
        return done.replaced_by
    quote = quote_exchange(order, swaps=swaps, return_id=return_id, now=now)
    if expected_hash and expected_hash != quote.hash:
        raise StaleExchangeQuote
    total = order.refunded_minor + quote.back_minor
    if quote.back_minor and most_minor is not None and total > most_minor:
        raise RefundAboveLimit
    if not is_reserved:
        reserve_stock(wanted, order_id=order.pk, now=now)
    told = {"reason": reason, "actor": actor, "now": now}
    refund = _give_value(order, quote, request_key=request_key, **told)
    new = write_exchange(order, quote=quote, refund=refund, actor=actor, now=now)
    Refund.objects.filter(pk=refund.pk).update(replaced_by=new)
    _audit(order, new, quote, **told)
    if not quote.due_minor:
        settle_paid(order=new, paid_minor=quote.moved_minor, actor=actor, now=now)
        if not complete_refund(refund_id=refund.pk, now=now):
            hint_on_commit(SEND_TASK)
    return new


def _wanted_units(swaps: Sequence[Swap]) -> dict[int, int]:
    units: dict[int, int] = defaultdict(int)
    for swap in swaps:
        units[swap.variant_id] += swap.units
    return dict(units)


def _give_value(
    order: Order,
    quote: ExchangeQuote,
    *,
    request_key: str,
    reason: str,
    actor: Any,
    now: datetime,
) -> Refund:
    """Give the old units back: their value to the new ones, the rest as money."""
    refund = Refund.objects.create(
        kind=Refund.Kind.EXCHANGE,
        order=order,
        request_key=request_key,
        amount_minor=quote.value_minor,
        exchanged_minor=quote.moved_minor,
        points_returned=quote.points,
        quote_hash=quote.hash,
        reason=reason[:200],
        actor=actor_name(actor),
        requested_at=now,
    )
    lines = dict(order.lines.values_list("position", "pk"))
    RefundLine.objects.bulk_create(
        RefundLine(
            refund=refund,
            order_line_id=lines[part.position],
            quantity=part.units,
            amount_minor=part.value_minor,
            points=part.points,
        )
        for part in quote.lines
    )
    tenders = tenders_for(refund, parts=quote.tenders, now=now)
    RefundTender.objects.bulk_create(tenders)
    count_refund(refund, sign=1)
    order.refresh_from_db(fields=["refunded_minor"])
    return refund


def _audit(
    order: Order,
    new: Order,
    quote: ExchangeQuote,
    *,
    actor: Any,
    reason: str,
    now: datetime,
) -> None:
    record_audit(
        actor=actor,
        action="orders.exchange",
        obj=order,
        reason=reason,
        detail={
            "new": new.public_id,
            "value_minor": quote.value_minor,
            "due_minor": quote.due_minor,
            "back_minor": quote.back_minor,
        },
        now=now,
    )
