"""Moving an order from state to state, with its history."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from orders.models import Order, OrderEvent
from orders.rules.lifecycle import BUYER, SERVER, STAFF, SYSTEM, may_move

#: Actor of what buyers do themselves: histories name no members.
MEMBER = "member"
_KEY = "key:"


class MoveRefused(Refusal):
    """An order that is %(state)s cannot do this."""

    code = "order_state_refused"
    message = _("The order can no longer do this.")


class OrderWaits(Refusal):
    """This order waits for its group: nothing is sent or given back before."""

    code = "order_waits"
    message = _("This order waits for its group: nothing is sent or given back before.")


def refuse_waiting(order: Order) -> None:
    """Refuse what an order that waits for more than its payment may not do (G15).

    Raises:
        OrderWaits: it waits.
    """
    if order.waits_for:
        raise OrderWaits


def lock_order(*, order_id: int) -> Order:
    """Lock and return an order; the last lock taken. For use in a transaction."""
    return Order.objects.select_for_update(no_key=True).get(pk=order_id)


def move_order(
    *,
    order: Order,
    to_state: str,
    actor: Any,
    now: datetime,
    reason: str = "",
    **changes: Any,
) -> None:
    """Move a locked order and write down who did it.

    Args:
        actor: a login, or the name of a program.
        changes: other fields of the order to set with the state.

    Raises:
        MoveRefused: ``orders.rules.lifecycle`` does not know this move, or the actor
            may not make it.
    """
    if not may_move(order.state, to_state, party_of(actor)):
        raise MoveRefused(state=order.state)
    event = OrderEvent(
        order=order,
        from_state=order.state,
        to_state=to_state,
        actor=actor_name(actor),
        reason=reason[:200],
        occurred_at=now,
    )
    order.state = to_state
    for name, value in changes.items():
        setattr(order, name, value)
    order.save(update_fields=["state", *changes])
    event.save()


def party_of(actor: Any) -> str:
    """Return which of the parties of ``orders.rules.lifecycle`` an actor is."""
    if hasattr(actor, "get_username"):
        return STAFF
    if actor == MEMBER:
        return BUYER
    return SERVER if str(actor).startswith(_KEY) else SYSTEM


def actor_name(actor: Any) -> str:
    """Return what stands in the history: a login's name, never a member's."""
    if actor is None:
        return "system"
    return str(getattr(actor, "username", actor))[:80]
