"""Everything the page of one order shows, in a fixed number of statements.

What a login may not see is not read: such parts are None.
"""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, OuterRef, Prefetch, Subquery

from campaigns.models import Message
from crm.care.models import Ticket
from members.models import Note
from orders.models import (
    AppliedOffer,
    Order,
    OrderEvent,
    OrderLine,
    Payment,
    PaymentCallback,
    Refund,
    RefundTender,
    ReturnEvent,
    ReturnRequest,
    Review,
    StockMove,
)

#: Rows of one kind a page shows at most; the lists have the rest.
MOST_ROWS = 50
#: Channels messages about orders leave by.
_CHANNELS = ("in_app", "email", "sms")
#: Columns of a member that no page of an order needs.
_NOBODY = ("birthday", "email", "name_tokens", "nickname", "bio")


@dataclass(slots=True)
class OrderFacts:
    """The rows around one order."""

    lines: list[OrderLine]
    offers: list[AppliedOffer]
    events: list[OrderEvent]
    stock_moves: list[StockMove]
    payments: list[Payment] | None = None
    refunds: list[Refund] | None = None
    returns: list[ReturnRequest] | None = None
    messages: list[Message] = field(default_factory=list)
    tickets: list[Ticket] | None = None
    notes: list[Note] | None = None


def get_order(pk: Any) -> Order | None:
    """Return an order with member, tier and channel, in one statement.

    ``reviewed_at`` is when the first review of it was written, or None.
    """
    if not str(pk).isascii() or not str(pk).isdecimal():
        return None
    orders = Order.objects.select_related(
        "member__points_account__tier", "channel", "exchange_of", "address"
    ).defer(*(f"member__{name}" for name in _NOBODY))
    reviews = Review.objects.filter(order_line__order=OuterRef("pk"))
    return (
        orders.annotate(
            reviewed_at=Subquery(
                reviews.order_by("created_at").values("created_at")[:1]
            )
        )
        .filter(pk=int(str(pk)[:18]))
        .first()
    )


def order_facts(*, order: Order, user: Any, shipments: list) -> OrderFacts:
    """Return what stands around an order, as far as this login may see it.

    Args:
        shipments: the parcels of the order, read before.
    """
    may = user.has_perm
    facts = OrderFacts(
        lines=_lines(order),
        offers=list(order.offers.order_by("stage", "id")),
        events=list(order.events.order_by("id")[:MOST_ROWS]),
        stock_moves=list(
            order.stock_moves.select_related("variant").order_by("id")[:MOST_ROWS]
        ),
    )
    if may("orders.view_payment"):
        facts.payments = _payments(order)
    if may("orders.view_refund"):
        facts.refunds = _refunds(order)
    if may("orders.view_returnrequest"):
        facts.returns = _returns(order)
    if may("campaigns.view_message"):
        facts.messages = _messages(facts.refunds or [], shipments)
    if may("care.view_ticket"):
        facts.tickets = list(
            Ticket.objects.filter(order=order).order_by("-id")[:MOST_ROWS]
        )
    if may("members.view_note"):
        facts.notes = list(
            Note.objects.filter(about=order.public_id)
            .select_related("author")
            .order_by("id")[:MOST_ROWS]
        )
    return facts


def _lines(order: Order) -> list[OrderLine]:
    return list(
        order.lines.annotate(
            gift_offer=F("gift_of__source_name"), replaced=F("replaces__position")
        )
        .order_by("position")
        .prefetch_related("allocations")
    )


def _payments(order: Order) -> list[Payment]:
    """Return every attempt with the times and kinds of its messages, no bodies."""
    callbacks = PaymentCallback.objects.order_by("received_at", "id")
    return list(
        order.payments.order_by("id").prefetch_related(
            Prefetch("callbacks", callbacks)
        )[:MOST_ROWS]
    )


def _refunds(order: Order) -> list[Refund]:
    tenders = RefundTender.objects.select_related("payment").order_by("id")
    return list(
        order.refunds.order_by("id").prefetch_related(
            "lines__order_line", "deductions", Prefetch("tenders", tenders)
        )[:MOST_ROWS]
    )


def _returns(order: Order) -> list[ReturnRequest]:
    events = ReturnEvent.objects.order_by("id")
    return list(
        order.returns.defer("words")
        .order_by("id")
        .prefetch_related("lines__order_line", Prefetch("events", events))[:MOST_ROWS]
    )


def _messages(refunds: list[Refund], shipments: list) -> list[Message]:
    """Return what was written to the member about this order, without its words."""
    occasions = [f"refund:{refund.public_id}" for refund in refunds]
    occasions += [f"shipment:{shipment.public_id}" for shipment in shipments]
    keys = [f"{occasion}:{channel}" for occasion in occasions for channel in _CHANNELS]
    if not keys:
        return []
    found = Message.objects.filter(dedupe_key__in=keys).defer("body")
    return list(found.order_by("created_at", "id")[:MOST_ROWS])
