"""With what the renewals of a plan are paid."""

from datetime import datetime

from django.db import transaction

from loyalty.models import Subscription
from loyalty.services.moving_plans import locked_subscription
from members.models import PaymentInstrument
from members.services.instruments import UnknownInstrument
from orders.services.charging import refuse_unchargeable

WALLET = "wallet"


@transaction.atomic
def pay_plan_with(*, member_id: int, way: str, now: datetime) -> Subscription:
    """Say with what renewals are paid from now on.

    Args:
        way: public id of an instrument the member bound, ``wallet``, or empty: then
            the member pays each renewal.

    Raises:
        NoPlan: see there.
        UnknownInstrument: the member has none with this public id.
        CannotCharge, UnknownProvider: nobody here can charge it.
    """
    held = locked_subscription(member_id=member_id)
    instrument = None
    provider = way
    if way not in ("", WALLET):
        instrument = (
            PaymentInstrument.objects.bound()
            .filter(member_id=member_id, public_id=way)
            .first()
        )
        if instrument is None:
            raise UnknownInstrument
        # Verifier and provider of one gateway have one code.
        provider = instrument.verifier
    if provider:
        refuse_unchargeable(provider=provider, instrument=instrument)
    held.provider = provider
    held.instrument = instrument
    held.save(update_fields=["provider", "instrument"])
    return held
