"""The parts an order is paid with: what is open, what is held, what goes back.

``Order.paid_minor`` is what gateways have captured so far. It grows by a conditional
write and a CHECK keeps it within the total; held stored value is spent in the very
transaction that covers the rest.
"""

from collections.abc import Collection
from datetime import datetime

from django.db.models import F, Sum

from crm.shared.hints import hint_on_commit
from orders.models import Order, Payment
from orders.models.order import EXCHANGE
from orders.services.wallets import capture_held, release_held

RETURN_TASK = "orders.tasks.send_refunds"


def held_minor(order: Order) -> int:
    """Return what stored value holds for a locked order."""
    held = order.payments.filter(state=Payment.State.HELD)
    return held.aggregate(total=Sum("amount_minor"))["total"] or 0


def open_minor(order: Order) -> int:
    """Return what nobody has paid or put aside yet, for a locked order."""
    return order.total_minor - order.paid_minor - held_minor(order)


def count_capture(order: Order, *, amount_minor: int) -> bool:
    """Count money towards an order that waits for it; False when it is too much."""
    fits = Order.objects.filter(
        pk=order.pk,
        state=Order.State.PENDING,
        total_minor__gte=F("paid_minor") + amount_minor,
    )
    if not fits.update(paid_minor=F("paid_minor") + amount_minor):
        return False
    order.paid_minor += amount_minor
    return True


def spend_held(order: Order, *, now: datetime) -> None:
    """Spend what is held for a locked order as far as money is still missing.

    What is held beyond that is free again: the buyer paid it another way meanwhile.
    """
    missing = order.total_minor - order.paid_minor
    for payment in order.payments.filter(state=Payment.State.HELD).order_by("pk"):
        payment.order = order
        amount = min(payment.amount_minor, missing)
        capture_held(payment=payment, amount_minor=amount, now=now)
        missing -= amount
        payment.state = Payment.State.CAPTURED if amount else Payment.State.CANCELLED
        payment.amount_minor = amount or payment.amount_minor
        payment.captured_at = now if amount else None
        payment.save(update_fields=["state", "amount_minor", "captured_at"])


def close_attempts(order_ids: Collection[int]) -> None:
    """Expect nothing more from attempts that are under way; late money is surplus."""
    Payment.objects.filter(order_id__in=order_ids, state=Payment.State.PENDING).update(
        state=Payment.State.CANCELLED
    )


def release_tenders(order_ids: Collection[int], *, now: datetime) -> None:
    """Undo every part of orders that are cancelled.

    What was held is free at once; what was captured goes back whole, the way it came.
    Wallets, then orders, are locked by the caller.
    """
    release_held(order_ids)
    parts = Payment.objects.filter(order_id__in=order_ids)
    parts.filter(state__in=[Payment.State.PENDING, Payment.State.HELD]).update(
        state=Payment.State.CANCELLED
    )
    captured = parts.filter(state=Payment.State.CAPTURED)
    Order.objects.filter(pk__in=order_ids, paid_minor__gt=0).update(paid_minor=0)
    # The value of units is no money: it is theirs again (R14).
    captured.filter(provider=EXCHANGE).update(state=Payment.State.CANCELLED)
    if captured.update(state=Payment.State.SURPLUS, return_due_at=now):
        hint_on_commit(RETURN_TASK)
