"""Paying an order without its buyer: from stored value, or what the member bound."""

from datetime import datetime
from typing import cast

from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from members.models import PaymentInstrument
from orders.models import Payment
from orders.providers.base import (
    ChargesInstruments,
    ProviderUnavailable,
    provider_of,
)
from orders.services.payment import start_payment, take_notice


class CannotCharge(Refusal):
    """This way to pay needs the buyer."""

    code = "cannot_charge"
    status = 422
    message = _("This way to pay needs the buyer.")


def refuse_unchargeable(*, provider: str, instrument: PaymentInstrument | None) -> None:
    """Refuse a way to pay that needs the buyer each time.

    Raises:
        UnknownProvider: this shop has no such way to pay.
        CannotCharge: it needs the buyer, or an instrument that is still bound.
    """
    gateway = provider_of(provider)
    if gateway.is_stored_value:
        return
    if not hasattr(gateway, "charge") or instrument is None or not instrument.token:
        raise CannotCharge


def charge_order(
    *,
    order_id: int,
    provider: str,
    instrument: PaymentInstrument | None = None,
    now: datetime,
) -> Payment:
    """Pay what is open of an order at once; nobody is charged twice for one payment.

    Called again while the outcome is not known, the provider is asked about the same
    payment. For no transaction: the provider is told in between.

    Args:
        provider: code of ``crm.wiring.PAYMENT_PROVIDERS``.
        instrument: what the member bound; None for stored value.

    Returns:
        The payment: captured, failed, or pending while nobody knows.

    Raises:
        UnknownProvider, CannotCharge: see ``refuse_unchargeable``.
        OrderNotPayable: paid, cancelled or past its deadline.
        WalletNotUsable, NotEnoughInWallet: of stored value.
    """
    refuse_unchargeable(provider=provider, instrument=instrument)
    payment = start_payment(order_id=order_id, provider=provider, now=now)
    if payment.state != Payment.State.PENDING or instrument is None:
        return payment
    gateway = cast(ChargesInstruments, provider_of(provider))
    try:
        notice = gateway.charge(
            payment_id=payment.public_id,
            token=cast(str, instrument.token),
            amount_minor=payment.amount_minor,
            currency=payment.order.currency,
        )
    except ProviderUnavailable:
        return payment
    return take_notice(provider=provider, notice=notice, now=now)
