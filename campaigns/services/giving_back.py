"""Undoing the orders of seats that were given up, and giving back what was overpaid.

Called by the news of a seat until it is done: each call is harmless when repeated, and
what keeps failing waits for staff as a stuck delivery (G6).
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_noop

from campaigns.models import Group, Seat
from campaigns.queries.groups import seat_of_order, standing_orders
from orders.models import Order, OrderLine
from orders.rules.lifecycle import STANDING
from orders.services.cancelling import cancel_order
from orders.services.overpaid import refund_overpaid
from orders.services.refund_preview import RefundPolicy
from orders.services.refunding import refund_order

#: In the history of orders.
ACTOR = "group"
NO_GROUP = gettext_noop("The group did not come together, or was left.")
PRICE_FELL = gettext_noop("The group reached a lower price.")
#: The units never left the house.
_UNDOING = RefundPolicy(restocks=True, ends_waiting=True)


def undo_order_of_seat(*, seat_id: int, now: datetime) -> None:
    """Cancel the unpaid order of a seat that was given up; refund a paid one whole.

    Money, freight included, goes back the way it came; stock is free again (G6).

    Raises:
        OrderNotCancellable: it was paid in this very moment; the next call refunds it.
    """
    seat = Seat.objects.select_related("order").get(pk=seat_id)
    order = seat.order
    if order.state == Order.State.PENDING:
        cancel_order(order_id=order.pk, actor=ACTOR, reason=NO_GROUP, now=now)
    elif order.state in STANDING:
        lines = OrderLine.objects.filter(order=order)
        refund_order(
            order_id=order.pk,
            items=dict(lines.values_list("position", "quantity")),
            reason=NO_GROUP,
            actor=ACTOR,
            request_key=f"seat:{seat.public_id}",
            freight=None,
            policy=_UNDOING,
            now=now,
        )


def return_overpaid(*, seat_id: int, now: datetime) -> None:
    """Give back what a seat paid above its group's price, as one refund (G11).

    Nothing is owed where the order was refunded meanwhile.
    """
    seat = Seat.objects.select_related("group", "order").get(pk=seat_id)
    order, price_minor = seat.order, seat.group.price_minor
    if price_minor is None or order.state not in STANDING:
        return
    amount_minor = seat.price_minor - price_minor
    if not 0 < amount_minor <= order.paid_minor - order.refunded_minor:
        return
    refund_overpaid(
        order_id=order.pk,
        amount_minor=amount_minor,
        reason=PRICE_FELL,
        actor=ACTOR,
        request_key=f"seat:{seat.public_id}:price",
        now=now,
    )


@transaction.atomic
def note_refund_of_seat(*, order_id: int, now: datetime) -> bool:
    """Mark the seat of a fully refunded order; its group and the others stay (G9).

    Other goods instead are no refund: the seat stays till those go back (R13).

    Returns:
        Whether this call did it.
    """
    seat = seat_of_order(order_id)
    if seat is None or standing_orders([seat])[seat.pk]:
        return False
    paid = Seat.objects.filter(
        pk=seat.pk, state=Seat.State.PAID, group__state=Group.State.SUCCEEDED
    )
    return bool(paid.update(state=Seat.State.REFUNDED, ended_at=now))
