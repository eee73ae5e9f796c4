"""Refunds that another system gave for its own orders, told to us once each."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from crm.shared.money import format_amount
from orders.models import Order, Refund
from orders.services.moving import lock_order
from orders.services.refunding import RefundPolicy, quote_refund, refund_order

#: What went back there is told, not asked for: the other system had its reasons (R5).
_TOLD = RefundPolicy(freight_is_told=True)


class UnknownOrder(Refusal):
    """There is no such order."""

    code = "not_found"
    status = 404
    message = _("There is no such order.")


class RefundSumsDiffer(Refusal):
    """These units were paid with %(expected)s, the refund says %(given)s."""

    code = "refund_sums_differ"
    status = 422
    message = _("These units were paid with %(expected)s, the refund says %(given)s.")
    pointer = "/amount"


class RefundContradicts(Refusal):
    """Something else was said of this refund before: %(field)s."""

    code = "refund_contradicts"
    message = _("Something else was said of this refund before: %(field)s.")

    def __init__(self, field: str):
        """Point to the field."""
        super().__init__(field=field)
        self.pointer = f"/{field}"


@dataclass(frozen=True, slots=True)
class IngestedRefund:
    """The refund, and whether it is new."""

    refund: Refund
    created: bool


@transaction.atomic
def ingest_refund(
    *,
    source: str,
    external_ref: str,
    refund_ref: str,
    items: Mapping[int, int],
    freight: bool = False,
    amount_minor: int,
    reason: str = "",
    actor: str,
    now: datetime,
) -> IngestedRefund:
    """Take note of a refund; its money went back at the other system.

    The same ``refund_ref`` again returns the first one. It is completed, and what was
    earned taken back, as refunds of this shop are.

    Args:
        source, external_ref: the order, by its number there.
        refund_ref: number of the refund there.
        items: position of the line -> units that came back.
        freight: whether the freight went back, too.
        amount_minor: what went back there; must be what was paid for these units.

    Raises:
        UnknownOrder: no order has this number.
        OrderNotRefundable, NothingToRefund: see ``refunding``.
        RefundSumsDiffer: another amount than was paid for these units (R2).
        RefundContradicts: the number stands for another refund.
    """
    known = Order.objects.filter(source=source, external_ref=external_ref).first()
    if known is None:
        raise UnknownOrder
    order = lock_order(order_id=known.pk)
    named = {"source": source, "external_ref": refund_ref}
    before = order.refunds.filter(**named).first()
    if before is not None:
        _refuse_other(before, items, freight=freight, amount_minor=amount_minor)
        return IngestedRefund(before, created=False)
    asked = {"items": items, "freight": freight, "policy": _TOLD}
    quote = quote_refund(order_id=order.pk, now=now, **asked)
    _refuse_difference(expected=quote.amount_minor, given=amount_minor)
    refund = refund_order(
        order_id=order.pk,
        reason=reason,
        actor=actor,
        request_key=_request_key(order.pk, refund_ref),
        now=now,
        **asked,
    )
    Refund.objects.filter(pk=refund.pk).update(**named)
    refund.refresh_from_db()
    return IngestedRefund(refund, created=True)


def _refuse_other(
    refund: Refund, items: Mapping[int, int], *, freight: bool, amount_minor: int
) -> None:
    units = dict(refund.lines.values_list("order_line__position", "quantity"))
    if units != dict(items):
        raise RefundContradicts("items")
    if refund.amount_minor != amount_minor:
        raise RefundContradicts("amount")
    if (refund.freight_minor > 0) > freight:
        raise RefundContradicts("freight")


def _refuse_difference(*, expected: int, given: int) -> None:
    if expected != given:
        sums = {"expected": expected, "given": given, "difference": given - expected}
        raise RefundSumsDiffer(
            **{
                name: format_amount(minor, settings.SHOP_CURRENCY)
                for name, minor in sums.items()
            }
        )


def _request_key(order_id: int, refund_ref: str) -> str:
    digest = hashlib.sha256(f"{order_id}:{refund_ref}".encode()).hexdigest()
    return f"server:{digest}"
