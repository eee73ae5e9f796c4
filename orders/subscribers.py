"""What orders do when something happened here or below. One service call each."""

from datetime import datetime

from crm.shared.models import Fact
from orders.services import gift_cards
from orders.services.delivering import review_delivery
from orders.services.settling_exchanges import complete_exchange, lapse_exchange
from orders.services.telling import tell_of_past_orders, tell_of_purchase


def note_purchase(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrderPaid: the buyer was here; who slept wakes up."""
    tell_of_purchase(order_id=payload["order_id"], now=now)


def issue_gift_cards(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrderPaid: the gift cards it bought come to life."""
    gift_cards.issue_gift_cards(order_id=payload["order_id"], now=now)


def review_delivery_of_order(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrderPaid: what has no parcel is done. RefundCompleted: less is to be sent."""
    review_delivery(order_id=payload["order_id"], now=now)


def complete_exchange_of_order(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrderPaid: the difference of an exchange is there, and what it is for goes on."""
    complete_exchange(order_id=payload["order_id"], now=now)


def undo_exchange_of_order(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrderCancelled: what it was to replace is as it was before."""
    lapse_exchange(order_id=payload["order_id"], now=now)


def note_past_purchases(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrdersImported: the buyers of the file were here then."""
    tell_of_past_orders(source=payload["source"])
