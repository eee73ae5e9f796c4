"""Bringing in orders that another system took: till, ERP, marketplace.

The whole order comes again whenever something happened there. Saying the same again
writes nothing; a state further on moves the order along the table of moves; anything
else that differs is refused. Stock is left alone: the other system keeps it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from crm.shared.money import format_amount
from crm.shared.outbox import record
from members.models import Member
from members.queries import or_who_stayed, phone_is
from orders.events import OrderCancelled, OrderPaid
from orders.models import Channel, Order, Payment, Shipment
from orders.models.order import EXCHANGE, OURS
from orders.providers.elsewhere import ELSEWHERE
from orders.rules.ingesting import (
    Contradiction,
    GivenOrder,
    Misfit,
    check,
    find_contradiction,
    steps,
)
from orders.services.completing import complete_order
from orders.services.delivering import review_delivery, settle_delivery
from orders.services.ingesting_rows import given_of, write_order
from orders.services.moving import lock_order, move_order
from orders.services.shipping import ship, units_to_ship

_MISFITS = {
    "amount_too_large": _("This amount is too large."),
    "discount_twice": _("Line %(position)s names an offer twice."),
    "discount_too_large": _("More is taken off line %(position)s than it costs."),
    "order_sums_differ": _(
        "Lines and freight make %(expected)s, the total says %(given)s."
    ),
    "tenders_differ": _("The total is %(expected)s, the tenders make %(given)s."),
    "time_missing": _("An order in this state has %(field)s."),
    "time_unexpected": _("An order in this state has no %(field)s yet."),
    "times_out_of_order": _("%(field)s is too early, or in the future."),
}


class OrderDoesNotFit(Refusal):
    """The order does not add up; code, pointer and params say where."""

    status = 422

    def __init__(self, misfit: Misfit):
        """Say what the rule found; amounts as decimals."""
        amounts = {"expected", "given", "difference"}
        super().__init__(
            **{
                name: format_amount(value, settings.SHOP_CURRENCY)
                if name in amounts
                else value
                for name, value in misfit.params.items()
            }
        )
        self.code = misfit.code
        self.pointer = misfit.pointer
        self.message = _MISFITS[misfit.code]


class OrderContradicts(Refusal):
    """Something else was said of this order before: %(field)s."""

    code = "order_contradicts"
    message = _("Something else was said of this order before: %(field)s.")

    def __init__(self, pointer: str):
        """Point to the field."""
        super().__init__(field=pointer.removeprefix("/"))
        self.pointer = pointer


class SourceIsOurs(Refusal):
    """Orders of this source are placed in this shop."""

    code = "reserved_source"
    status = 422
    message = _("Orders of this source are placed in this shop.")


class UnknownBuyer(Refusal):
    """There is no such member."""

    code = "unknown_member"
    status = 422
    message = _("There is no such member.")
    pointer = "/member"


class UnknownSalesChannel(Refusal):
    """There is no sales channel %(channel)s."""

    code = "unknown_channel"
    status = 422
    message = _("There is no sales channel %(channel)s.")
    pointer = "/channel"


@dataclass(frozen=True, slots=True)
class Ingested:
    """The order, and what became of it."""

    order: Order
    created: bool


@transaction.atomic
def ingest_order(
    *,
    source: str,
    external_ref: str,
    given: GivenOrder,
    buyer: Mapping[str, str] | None = None,
    create_products: bool = False,
    actor: str,
    now: datetime,
) -> Ingested:
    """Make the order ``external_ref`` of ``source`` what the other system says.

    Everything is written or nothing. Publishes what orders of this shop publish, so
    points are earned once.

    Args:
        source: the other system, such as ``erp``.
        external_ref: the order's number there.
        given: the order; its ``member_id`` is found by ``buyer``.
        buyer: ``number``, or ``phone``, or ``external_id`` with ``source``; None for
            a sale to nobody known.
        create_products: make unlisted products of unknown SKUs.
        actor: the program, for the history.
        now: when, aware.

    Raises:
        SourceIsOurs, UnknownBuyer, UnknownSalesChannel: as they say.
        OrderDoesNotFit: sums, offers or moments do not fit (``rules.ingesting.check``).
        UnknownSku: and new products are not wanted.
        OrderContradicts: something agreed at purchase differs from what was said
            before, or the order was cancelled on one side and paid on the other.
    """
    if source in {OURS, EXCHANGE}:
        raise SourceIsOurs
    _one_at_a_time(source, external_ref)
    given = replace(given, member_id=_buyer_id(buyer))
    try:
        check(given, now=now)
    except Misfit as misfit:
        raise OrderDoesNotFit(misfit) from misfit
    known = Order.objects.filter(source=source, external_ref=external_ref).first()
    if known is None:
        order = write_order(
            given,
            source=source,
            external_ref=external_ref,
            channel=_channel(given.channel),
            create_products=create_products,
            actor=actor,
            now=now,
        )
    else:
        order = _unchanged(known, given)
    advance = _Advance(order, given, is_new=known is None, actor=actor, now=now)
    advance.through(_ahead(order, given))
    return Ingested(order, created=known is None)


def _unchanged(known: Order, given: GivenOrder) -> Order:
    """Lock and return an order of which nothing else is said now."""
    order = lock_order(order_id=known.pk)
    pointer = find_contradiction(given_of(order), given)
    if pointer:
        raise OrderContradicts(pointer)
    return order


def _ahead(order: Order, given: GivenOrder) -> list[str]:
    try:
        return steps(order.state, given.state)
    except Contradiction as contradiction:
        raise OrderContradicts(contradiction.pointer) from contradiction


def _one_at_a_time(source: str, external_ref: str) -> None:
    """Let rivals with the same order wait: there may be no row to lock yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"orders.ingest:{source}:{external_ref}"],
        )


def _buyer_id(buyer: Mapping[str, str] | None) -> int | None:
    if not buyer:
        return None
    condition = phone_is(buyer["phone"]) if "phone" in buyer else Q(**buyer)
    # Locked: a merge that is under way is waited for.
    member = (
        Member.objects.select_for_update(no_key=True)
        .filter(or_who_stayed(condition))
        .first()
    )
    if member is None:
        raise UnknownBuyer
    return member.merged_into_id or member.pk


def _channel(code: str) -> Channel | None:
    if not code:
        return None
    channel = Channel.objects.filter(code=code).first()
    if channel is None:
        raise UnknownSalesChannel(channel=code)
    return channel


class _Advance:
    """Moves an order on, state by state, by the verbs of orders of this shop."""

    def __init__(
        self,
        order: Order,
        given: GivenOrder,
        *,
        is_new: bool,
        actor: str,
        now: datetime,
    ):
        self.order, self.given, self.actor, self.now = order, given, actor, now
        #: What a new order does not date happened when it was paid, else just now.
        self.undated = (given.paid_at or now) if is_new else now

    def through(self, states: list[str]) -> None:
        """Go through the states; what this shop still decides itself is waited for."""
        verbs = {
            Order.State.PAID: self._pay,
            Order.State.SHIPPED: self._ship,
            Order.State.DELIVERED: self._deliver,
            Order.State.COMPLETED: self._complete,
            Order.State.CANCELLED: self._cancel,
        }
        for state in states:
            verbs[Order.State(state)]()
            self.order.refresh_from_db()

    def _pay(self) -> None:
        order, at = self.order, self.given.paid_at
        move_order(
            order=order,
            to_state=Order.State.PAID,
            actor=self.actor,
            now=at,
            paid_minor=order.total_minor,
            paid_at=at,
        )
        Payment.objects.bulk_create(
            Payment(
                order=order,
                provider=ELSEWHERE,
                tender=tender.name,
                amount_minor=tender.amount_minor,
                state=Payment.State.CAPTURED,
                created_at=at,
                captured_at=at,
            )
            for tender in self.given.tenders
        )
        record(OrderPaid(order_id=order.pk))

    def _ship(self) -> None:
        at = self.given.shipped_at or self.undated
        items = units_to_ship(order_id=self.order.pk)
        if not items:
            settle_delivery(order=self.order, actor=self.actor, now=at)
            return
        ship(
            order_id=self.order.pk,
            items=items,
            carrier=self.given.carrier,
            tracking=self.given.tracking,
            actor=self.actor,
            at=at,
            now=self.now,
        )

    def _deliver(self) -> None:
        at = self.given.delivered_at or self.given.shipped_at or self.undated
        self.order.shipments.filter(state=Shipment.State.SENT).update(
            state=Shipment.State.DELIVERED, delivered_at=at
        )
        review_delivery(order_id=self.order.pk, actor=self.actor, now=at)

    def _complete(self) -> None:
        if self.order.state == Order.State.DELIVERED:
            complete_order(order_id=self.order.pk, actor=self.actor, now=self.now)

    def _cancel(self) -> None:
        move_order(
            order=self.order,
            to_state=Order.State.CANCELLED,
            actor=self.actor,
            now=self.now,
            closed_at=self.now,
        )
        record(OrderCancelled(order_id=self.order.pk))
