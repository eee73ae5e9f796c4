"""One time line of an order: moves, money, parcels, returns, messages, notes.

It is made of the rows the page has read anyway and asks nothing more.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from crm.console.queries.order_page import OrderFacts
from crm.shared.actor_words import actor_words
from crm.shared.money import display_amount
from orders.models import (
    Order,
    Payment,
    Refund,
    ReturnRequest,
    Shipment,
)
from orders.payment_words import tender_words

#: Moments a page shows; the oldest go first where there are more.
MOST_MOMENTS = 100


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of it."""

    at: datetime
    icon: str
    text: str
    actor: str = ""
    reason: str = ""
    amount: str = ""
    link: str = ""


def order_timeline(
    *, order: Order, facts: OrderFacts, shipments: Iterable[Shipment]
) -> list[Moment]:
    """Return what happened to an order, newest first."""
    moments = [
        *_moves(order, facts),
        *_payments(order, facts.payments or []),
        *_refunds(order, facts.refunds or []),
        *_shipments(shipments),
        *_returns(facts.returns or []),
        *_words(facts),
    ]
    # Of what happened at one moment, the end stands above the beginning.
    moments.reverse()
    return sorted(moments, key=lambda moment: moment.at, reverse=True)[:MOST_MOMENTS]


def _moves(order: Order, facts: OrderFacts) -> Iterator[Moment]:
    yield Moment(order.placed_at, "shopping_cart", _("Order placed"))
    labels = dict(Order.State.choices)
    for event in facts.events:
        if not event.from_state and event.to_state == Order.State.PENDING:
            continue  # it was placed, as said above
        yield Moment(
            event.occurred_at,
            "arrow_forward",
            str(labels.get(event.to_state, event.to_state)),
            actor_words(event.actor),
            event.reason,
        )


def _payments(order: Order, payments: Iterable[Payment]) -> Iterator[Moment]:
    for payment in payments:
        amount = display_amount(payment.amount_minor, order.currency)
        name = tender_words(payment)
        started = _("Payment started: %(provider)s") % {"provider": name}
        yield Moment(payment.created_at, "payments", started, amount=amount)
        if payment.captured_at:
            captured = _("Money came in: %(provider)s") % {"provider": name}
            yield Moment(payment.captured_at, "paid", captured, amount=amount)


def _refunds(order: Order, refunds: Iterable[Refund]) -> Iterator[Moment]:
    for refund in refunds:
        amount = display_amount(refund.amount_minor, order.currency)
        link = reverse("admin:orders_refund_change", args=[refund.pk])
        yield Moment(
            refund.requested_at,
            "undo",
            _("Refund requested"),
            actor_words(refund.actor),
            refund.reason,
            amount,
            link,
        )
        if refund.completed_at:
            done = _("Refund completed")
            yield Moment(
                refund.completed_at, "price_check", done, amount=amount, link=link
            )


def _shipments(shipments: Iterable[Shipment]) -> Iterator[Moment]:
    for shipment in shipments:
        name = f"{shipment.carrier} {shipment.tracking}".strip() or shipment.public_id
        yield Moment(
            shipment.sent_at,
            "local_shipping",
            _("Parcel sent: %(name)s") % {"name": name},
            actor_words(shipment.actor),
        )
        ends = (
            (shipment.delivered_at, "where_to_vote", _("Parcel delivered: %(name)s")),
            (shipment.lost_at, "report", _("Parcel lost: %(name)s")),
        )
        for at, icon, text in ends:
            if at:
                yield Moment(at, icon, text % {"name": name})


def _returns(returns: Iterable[ReturnRequest]) -> Iterator[Moment]:
    labels = dict(ReturnRequest.State.choices)
    for request in returns:
        link = reverse("admin:orders_returnrequest_change", args=[request.pk])
        for event in request.events.all():
            yield Moment(
                event.occurred_at,
                "assignment_return",
                _("Return: %(state)s")
                % {"state": labels.get(event.to_state, event.to_state)},
                actor_words(event.actor),
                event.note,
                link=link,
            )


def _words(facts: OrderFacts) -> Iterator[Moment]:
    """Yield messages by their subjects, tickets by their numbers, and notes."""
    for message in facts.messages:
        yield Moment(
            message.created_at,
            "outbox",
            message.subject,
            reason=str(message.get_state_display()),
            link=reverse("admin:campaigns_message_change", args=[message.pk]),
        )
    for ticket in facts.tickets or []:
        yield Moment(
            ticket.created_at,
            "support_agent",
            _("Ticket: %(kind)s") % {"kind": ticket.get_kind_display()},
            link=reverse("admin:care_ticket_change", args=[ticket.pk]),
        )
    for note in facts.notes or []:
        author = note.author.get_username() if note.author else ""
        yield Moment(
            note.created_at, "sticky_note_2", _("Note"), author, str(note.text)
        )
