"""The page of one order: how far it is, what it cost, what came back, what can be done.

Parts of it are files of their own (``templates/console/order_*.html``).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from crm.console.admin.order_deeds import allowed_deeds
from crm.console.admin.order_delivery import RevealDelivery
from crm.console.queries.addresses import masked
from crm.console.queries.members import may_see_masked, shown_name
from crm.console.queries.order_page import OrderFacts, order_facts
from crm.console.queries.order_timeline import order_timeline
from crm.console.queries.order_words import OFFER_KINDS, PRICE_KINDS, notice_words
from crm.console.rules.masking import mask_phone
from crm.shared.actor_words import actor_words
from orders.models import Order
from orders.payment_words import tender_words
from orders.queries.audiences import known_audiences
from orders.queries.shipments import shipments_of_order
from orders.rules.lifecycle import SHIPPABLE, STANDING
from orders.rules.waterfall import ROW, WIDTH, waterfall

#: States that end the way early: the strip shows what was reached, then this.
_CUT_SHORT = (Order.State.CANCELLED, Order.State.REFUNDED)


@dataclass(frozen=True, slots=True)
class Step:
    """One state of the strip."""

    label: str
    at: datetime | None
    reached: bool
    now: bool


def order_context(*, order: Order, user: Any) -> dict[str, Any]:
    """Return what the page of one order shows to one login."""
    shipments = (
        shipments_of_order(order_id=order.pk)
        if user.has_perm("orders.view_shipment")
        else None
    )
    facts = order_facts(order=order, user=user, shipments=shipments or [])
    return {
        "order": order,
        "currency": order.currency or settings.SHOP_CURRENCY,
        "facts": facts,
        "lines": _lines(facts),
        "tenders": _tenders(facts),
        "refunds": _refunds(facts),
        "offers": _offers(facts),
        "stock_moves": _stock_moves(facts),
        "moments": order_timeline(order=order, facts=facts, shipments=shipments or []),
        "state_steps": state_steps(order),
        "net_minor": order.paid_minor - order.refunded_minor,
        **_waterfall(order),
        "shipments": shipments,
        "may_change_shipments": user.has_perm("orders.change_shipment"),
        "card": member_card(order, user),
        "bought_as": _bought_as(order),
        "deliver_to": _deliver_to(order, user),
        "may_reveal": user.has_perms(RevealDelivery.rights),
        "deeds": allowed_deeds(user, order),
        **_doors(order, user),
    }


def _doors(order: Order, user: Any) -> dict[str, str]:
    """Return the ways to ship and to refund, empty where there is none now."""
    is_free = not order.waits_for
    may_ship = (
        is_free and order.state in SHIPPABLE and user.has_perm("orders.add_shipment")
    )
    may_refund = (
        is_free and order.state in STANDING and user.has_perm("orders.add_refund")
    )
    return {
        "ship_url": reverse("admin:order_ship", args=[order.pk]) if may_ship else "",
        "refund_url": reverse("admin:order_refund", args=[order.pk])
        if may_refund
        else "",
    }


def state_steps(order: Order) -> list[Step]:
    """Return the strip of states an order goes through, how far it is, and when."""
    state = Order.State
    reached = {
        state.PENDING: order.placed_at,
        state.PAID: order.paid_at,
        state.SHIPPED: order.shipped_at,
        state.DELIVERED: order.delivered_at,
        state.COMPLETED: order.closed_at,
    }
    way = list(reached)
    if order.state in _CUT_SHORT:
        way = [step for step in way if reached[step] and step != state.COMPLETED]
        way.append(Order.State(order.state))
    elif order.state == state.PARTLY_SHIPPED:
        way.insert(2, state.PARTLY_SHIPPED)
    here = way.index(Order.State(order.state))
    steps = [
        Step(
            str(step.label),
            reached.get(step, order.closed_at) if place <= here else None,
            place <= here,
            place == here,
        )
        for place, step in enumerate(way)
    ]
    reviewed_at = getattr(order, "reviewed_at", None)
    if order.state == state.COMPLETED or reviewed_at:
        steps.append(Step(_("reviewed"), reviewed_at, bool(reviewed_at), False))
    return steps


def member_card(order: Order, user: Any) -> dict[str, Any] | None:
    """Return the member as this login may see them; None for an order of nobody.

    Whoever may not open members sees none of it.
    """
    member = order.member
    if member is None or not user.has_perm("members.view_member"):
        return None
    masked = may_see_masked(user)
    account = getattr(member, "points_account", None)
    sees_tier = user.has_perm("loyalty.view_tier")
    return {
        "number": member.number,
        "url": reverse("admin:member_page", args=[member.public_id]),
        "name": shown_name(member, user),
        "phone": mask_phone(member.phone) if masked else "",
        "tier": account.tier if account and sees_tier else None,
    }


def _bought_as(order: Order) -> list[str]:
    """Return the names of what the buyer belonged to when the price was made (T16)."""
    names = dict(known_audiences()) if order.audiences else {}
    return [names.get(mark, mark) for mark in order.audiences]


def _deliver_to(order: Order, user: Any) -> str:
    """Return masked where it goes, for those who may see addresses."""
    address = getattr(order, "address", None)
    if address is None or not user.has_perm("members.view_address"):
        return ""
    return masked(address)


def _lines(facts: OrderFacts) -> list[dict[str, Any]]:
    return [
        {
            "row": line,
            "listed": line.list_price_minor
            if line.list_price_minor not in (None, line.unit_price_minor)
            else None,
            "price_kind": PRICE_KINDS.get(line.price_kind, line.price_kind),
            "parts": [
                (OFFER_KINDS.get(part.source_kind, part.source_kind), part)
                for part in line.allocations.all()
            ],
        }
        for line in facts.lines
    ]


def _tenders(facts: OrderFacts) -> list[dict[str, Any]] | None:
    if facts.payments is None:
        return None
    return [
        {
            "row": payment,
            "name": tender_words(payment),
            "messages": [
                (notice_words(callback.kind), callback)
                for callback in payment.callbacks.all()
            ],
        }
        for payment in facts.payments
    ]


def _refunds(facts: OrderFacts) -> list[dict[str, Any]] | None:
    if facts.refunds is None:
        return None
    return [
        {
            "row": refund,
            "tenders": [
                (tender_words(part.payment), part) for part in refund.tenders.all()
            ],
        }
        for refund in facts.refunds
    ]


def _offers(facts: OrderFacts) -> list[dict[str, Any]]:
    return [
        {
            "row": offer,
            "kind": OFFER_KINDS.get(offer.source_kind, offer.source_kind),
            "gifts": [line for line in facts.lines if line.gift_of_id == offer.pk],
            "terms": sorted(offer.terms.items())
            if isinstance(offer.terms, dict)
            else [],
        }
        for offer in facts.offers
    ]


def _stock_moves(facts: OrderFacts) -> list[dict[str, Any]]:
    return [
        {"row": move, "actor": actor_words(move.actor) if move.actor else ""}
        for move in facts.stock_moves
    ]


def _waterfall(order: Order) -> dict[str, Any]:
    """Return the drawing of paid, refunded and net; nothing went back, no drawing."""
    if not order.refunded_minor:
        return {"bars": []}
    whole = order.paid_minor
    left = whole - order.refunded_minor
    bars = waterfall(
        [(_("paid"), whole), (_("refunded"), -order.refunded_minor)], whole_minor=whole
    )
    (net,) = waterfall([(_("net"), left)], whole_minor=whole)
    height = (len(bars) + 1) * ROW
    return {"bars": [*bars, replace(net, y=height - ROW)], "drawing": (WIDTH, height)}
