"""Taking money: starting payments, and believing the provider's signed messages.

An order may be paid in parts. It is paid when what gateways captured and what stored
value holds make its total (``orders.services.tendering``).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from crm.shared.hints import hint_on_commit
from crm.shared.outbox import record
from orders.events import OrderPaid, OrderPaidWaiting
from orders.models import Order, Payment, PaymentCallback
from orders.providers.base import Notice, NoticeKind, UnknownProvider, provider_of
from orders.services.moving import lock_order, move_order
from orders.services.stocking import lock_stock, sell_stock, units_of_orders
from orders.services.tendering import (
    RETURN_TASK,
    close_attempts,
    count_capture,
    held_minor,
    open_minor,
    spend_held,
)
from orders.services.wallets import hold_value, lock_spender, lock_wallets_of_orders

#: How long a provider may take to tell by itself before it is asked.
FIRST_QUESTION = timedelta(minutes=2)


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


class PaymentAmountTooHigh(Refusal):
    """This is more than is still to be paid."""

    code = "payment_amount_too_high"
    status = 422
    message = _("This is more than is still to be paid.")


def start_payment(
    *, order_id: int, provider: str, amount_minor: int | None = None, now: datetime
) -> Payment:
    """Begin to pay an order or a part of it, or go on with the attempt under way.

    A gateway is told after the attempt is committed, outside any transaction; the
    returned payment carries ``pay_url``, where the buyer pays. Stored value is put
    aside at once, and spent when it covers what is left.

    Args:
        order_id: what is paid.
        provider: code of ``crm.wiring.PAYMENT_PROVIDERS``.
        amount_minor: how much of it; None is what is still open.
        now: aware.

    Raises:
        UnknownProvider: this shop has no such way to pay.
        OrderNotPayable: paid, cancelled or past its deadline.
        PaymentAmountTooHigh: more than is still open, or nothing.
        WalletNotUsable, NotEnoughInWallet: of stored value.
    """
    gateway = provider_of(provider)
    if not gateway.takes_payments:
        raise UnknownProvider
    if gateway.is_stored_value:
        return _pay_from_wallet(order_id, provider, amount_minor, now)
    payment = _open_payment(order_id, provider, amount_minor, now)
    started = gateway.start(
        payment_id=payment.public_id,
        amount_minor=payment.amount_minor,
        currency=payment.order.currency,
    )
    reference = started.reference or None
    Payment.objects.filter(pk=payment.pk, provider_ref__isnull=True).update(
        provider_ref=reference
    )
    payment.provider_ref = payment.provider_ref or reference
    payment.pay_url = started.pay_url
    return payment


@transaction.atomic
def _open_payment(
    order_id: int, provider: str, amount_minor: int | None, now: datetime
) -> Payment:
    order = _payable(order_id, now)
    amount = _part_of(order, amount_minor)
    waiting = _under_way(order, provider, Payment.State.PENDING, amount)
    return waiting or Payment.objects.create(
        order=order,
        provider=provider,
        amount_minor=amount,
        created_at=now,
        ask_due_at=now + FIRST_QUESTION,
    )


@transaction.atomic
def _pay_from_wallet(
    order_id: int, provider: str, amount_minor: int | None, now: datetime
) -> Payment:
    member_id = Order.objects.values_list("member_id", flat=True).get(pk=order_id)
    lock_spender(member_id=member_id)
    units = units_of_orders([order_id])
    lock_stock(units)
    order = _payable(order_id, now)
    if amount_minor is not None:
        held = _under_way(order, provider, Payment.State.HELD, amount_minor)
        if held is not None:
            return held
    amount = _part_of(order, amount_minor)
    hold_value(member_id=member_id, amount_minor=amount)
    payment = Payment.objects.create(
        order=order,
        provider=provider,
        amount_minor=amount,
        state=Payment.State.HELD,
        created_at=now,
    )
    Payment.objects.filter(pk=payment.pk).update(provider_ref=payment.public_id)
    _settle_if_covered(order, f"payment:{provider}", now)
    payment.refresh_from_db(fields=["state", "captured_at", "provider_ref"])
    return payment


def _payable(order_id: int, now: datetime) -> Order:
    order = lock_order(order_id=order_id)
    is_late = order.payment_due_at is not None and order.payment_due_at <= now
    if order.state != Order.State.PENDING or is_late or not order.is_ours:
        raise OrderNotPayable
    return order


def _part_of(order: Order, amount_minor: int | None) -> int:
    still_open = open_minor(order)
    amount = still_open if amount_minor is None else amount_minor
    if not 0 < amount <= still_open:
        raise PaymentAmountTooHigh
    return amount


def _under_way(
    order: Order, provider: str, state: str, amount_minor: int
) -> Payment | None:
    return order.payments.filter(
        provider=provider, state=state, amount_minor=amount_minor
    ).first()


def take_callback(
    *, provider: str, body: bytes, headers: Mapping[str, str], now: datetime
) -> Payment:
    """Take a provider's message. The same one again, late or out of order, is harmless.

    Money for an order that is paid or cancelled already, or more than it lacks, is a
    surplus: it is kept apart and sent back whole.

    Raises:
        UnknownProvider, BadSignature, NotForUs: nobody we know, not signed, or
            meant for another shop.
        UnknownPayment: signed, but for no payment of ours.
        PaymentAmountMismatch: another amount or currency than we asked for.
    """
    notice = provider_of(provider).read_callback(body=body, headers=headers)
    return take_notice(provider=provider, notice=notice, now=now)


def take_notice(*, provider: str, notice: Notice, now: datetime) -> Payment:
    """Take what a provider told or answered; whoever delivers, it is the same path.

    Raises:
        UnknownPayment, PaymentAmountMismatch: see ``take_callback``.
    """
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
    if notice.kind is NoticeKind.WAITING:
        return payment
    return _take_notice(payment, notice, now)


@transaction.atomic
def _take_notice(payment: Payment, notice: Notice, now: datetime) -> Payment:
    lock_wallets_of_orders([payment.order_id])
    units = units_of_orders([payment.order_id])
    lock_stock(units)
    order = lock_order(order_id=payment.order_id)
    # Read under the lock: a rival with the same message has finished by now.
    payment.refresh_from_db(fields=["state", "captured_at", "provider_ref"])
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
        _capture(payment, order, notice.reference, now)
    elif payment.state == Payment.State.PENDING:
        # Too late to matter once money came; the buyer may try again till then.
        # A message may be older than it looks: the provider is asked all the same.
        payment.state = Payment.State.FAILED
        payment.save(update_fields=["state"])
    return payment


def is_known(*, notice: Notice, provider: str) -> bool:
    """Whether this message was taken before."""
    return PaymentCallback.objects.filter(
        provider=provider, event_id=notice.event_id
    ).exists()


def _capture(payment: Payment, order: Order, reference: str, now: datetime) -> None:
    if payment.captured_at is not None:
        return
    payment.captured_at = now
    payment.ask_due_at = None
    payment.provider_ref = reference or payment.provider_ref
    fits = count_capture(order, amount_minor=payment.amount_minor)
    payment.state = Payment.State.CAPTURED if fits else Payment.State.SURPLUS
    payment.return_due_at = None if fits else now
    payment.save(
        update_fields=[
            *("state", "captured_at", "return_due_at"),
            *("ask_due_at", "provider_ref"),
        ]
    )
    if fits:
        _settle_if_covered(order, f"payment:{payment.provider}", now)
    else:
        hint_on_commit(RETURN_TASK)


def _settle_if_covered(order: Order, actor: str, now: datetime) -> None:
    if order.paid_minor + held_minor(order) < order.total_minor:
        return
    spend_held(order, now=now)
    settle_paid(order=order, paid_minor=order.total_minor, actor=actor, now=now)


@transaction.atomic
def settle_paid(*, order: Order, paid_minor: int, actor: Any, now: datetime) -> None:
    """Mark a locked order as paid, sell its stock and publish ``OrderPaid``.

    An order that waits for more than its payment is no purchase yet: it publishes
    ``OrderPaidWaiting`` (see ``orders.services.waiting``).

    Raises:
        MoveRefused: it does not wait for a payment.
    """
    move_order(
        order=order,
        to_state=Order.State.PAID,
        actor=actor,
        now=now,
        paid_minor=paid_minor,
        paid_at=None if order.waits_for else now,
    )
    close_attempts([order.pk])
    sell_stock(units_of_orders([order.pk]), order_id=order.pk, now=now)
    news = OrderPaidWaiting if order.waits_for else OrderPaid
    record(news(order_id=order.pk))
