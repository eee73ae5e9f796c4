"""Taking money: starting a payment, and believing the provider's signed messages."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from crm.shared.hints import hint_on_commit
from crm.shared.outbox import record
from orders.events import OrderPaid
from orders.models import Order, Payment, PaymentCallback
from orders.providers.base import Notice, NoticeKind, UnknownProvider, provider_of
from orders.providers.elsewhere import ELSEWHERE
from orders.services.moving import lock_order, move_order
from orders.services.stocking import lock_stock, sell_stock, units_of_orders

RETURN_TASK = "orders.tasks.send_refunds"


class OrderNotPayable(Refusal):
    """This order does not wait for a payment."""

    code = "order_not_payable"
    message = _("This order does not wait for a payment.")


class UnknownPayment(Refusal):
    """There is no such payment."""

    code = "not_found"
    status = 404
    message = _("There is no such payment.")


class PaymentAmountMismatch(Refusal):
    """The provider tells of another amount than the order's."""

    code = "payment_amount_mismatch"
    status = 422
    message = _("The provider tells of another amount than the order's.")


def start_payment(*, order_id: int, provider: str, now: datetime) -> Payment:
    """Begin to pay an order, or go on with the attempt under way.

    The provider is told after the attempt is committed, outside any transaction.
    The returned payment carries ``pay_url``, where the buyer pays.

    Raises:
        UnknownProvider: this shop has no such way to pay.
        OrderNotPayable: paid, cancelled or past its deadline.
    """
    gateway = provider_of(provider)
    if provider == ELSEWHERE:
        raise UnknownProvider
    payment = _open_payment(order_id, provider, now)
    started = gateway.start(
        payment_id=payment.public_id,
        amount_minor=payment.amount_minor,
        currency=payment.order.currency,
    )
    Payment.objects.filter(pk=payment.pk, provider_ref__isnull=True).update(
        provider_ref=started.reference
    )
    payment.provider_ref = payment.provider_ref or started.reference
    payment.pay_url = started.pay_url
    return payment


@transaction.atomic
def _open_payment(order_id: int, provider: str, now: datetime) -> Payment:
    order = lock_order(order_id=order_id)
    is_late = order.payment_due_at is not None and order.payment_due_at <= now
    if order.state != Order.State.PENDING or is_late or not order.is_ours:
        raise OrderNotPayable
    under_way = order.payments.filter(
        provider=provider,
        state=Payment.State.PENDING,
        amount_minor=order.total_minor,
    ).first()
    return under_way or Payment.objects.create(
        order=order,
        provider=provider,
        amount_minor=order.total_minor,
        created_at=now,
    )


def take_callback(
    *, provider: str, body: bytes, headers: Mapping[str, str], now: datetime
) -> Payment:
    """Take a provider's message. The same one again, late or out of order, is harmless.

    Money for an order that is paid or cancelled already is a surplus: it is kept
    apart and sent back whole.

    Raises:
        UnknownProvider, BadSignature: nobody we know, or not signed.
        UnknownPayment: signed, but for no payment of ours.
        PaymentAmountMismatch: another amount or currency than we asked for.
    """
    notice = provider_of(provider).read_callback(body=body, headers=headers)
    payment = (
        Payment.objects.filter(provider=provider, public_id=notice.payment_id)
        .select_related("order")
        .first()
    )
    if payment is None:
        raise UnknownPayment
    asked = (payment.amount_minor, payment.order.currency)
    if (notice.amount_minor, notice.currency) != asked:
        raise PaymentAmountMismatch
    return _take_notice(payment, notice, now)


@transaction.atomic
def _take_notice(payment: Payment, notice: Notice, now: datetime) -> Payment:
    units = units_of_orders([payment.order_id])
    lock_stock(units)
    order = lock_order(order_id=payment.order_id)
    # Read under the lock: a rival with the same message has finished by now.
    payment.refresh_from_db(fields=["state", "captured_at"])
    if is_known(notice=notice, provider=payment.provider):
        return payment
    PaymentCallback.objects.create(
        provider=payment.provider,
        event_id=notice.event_id,
        payment=payment,
        kind=notice.kind,
        received_at=now,
    )
    if notice.kind is NoticeKind.CAPTURED:
        _capture(payment, order, now)
    elif payment.state == Payment.State.PENDING:
        # Too late to matter once money came; the buyer may try again till then.
        payment.state = Payment.State.FAILED
        payment.save(update_fields=["state"])
    return payment


def is_known(*, notice: Notice, provider: str) -> bool:
    """Whether this message was taken before."""
    return PaymentCallback.objects.filter(
        provider=provider, event_id=notice.event_id
    ).exists()


def _capture(payment: Payment, order: Order, now: datetime) -> None:
    if payment.captured_at is not None:
        return
    payment.captured_at = now
    if order.state == Order.State.PENDING:
        payment.state = Payment.State.CAPTURED
        payment.save(update_fields=["state", "captured_at"])
        settle_paid(
            order=order,
            paid_minor=payment.amount_minor,
            actor=f"payment:{payment.provider}",
            now=now,
        )
        return
    payment.state = Payment.State.SURPLUS
    payment.return_due_at = now
    payment.save(update_fields=["state", "captured_at", "return_due_at"])
    hint_on_commit(RETURN_TASK)


@transaction.atomic
def settle_paid(*, order: Order, paid_minor: int, actor: Any, now: datetime) -> None:
    """Mark a locked order as paid, sell its stock and publish ``OrderPaid``.

    Raises:
        MoveRefused: it does not wait for a payment.
    """
    move_order(
        order=order,
        to_state=Order.State.PAID,
        actor=actor,
        now=now,
        paid_minor=paid_minor,
        paid_at=now,
    )
    sell_stock(units_of_orders([order.pk]))
    record(OrderPaid(order_id=order.pk))
