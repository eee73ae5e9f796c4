"""Whom a buyer belongs to, for prices that are not for everybody."""

from datetime import datetime

from django.conf import settings

from orders.rules.offers import PriceRequest
from orders.rules.prices import ANY_MEMBER
from orders.services.quoting import offer_sources


def audiences_of(*, member_id: int | None, now: datetime) -> frozenset[str]:
    """Return the audiences of a buyer: ``member``, and what offer sources add.

    A source that knows more, such as the tier held, has ``audiences(request)``.
    """
    if member_id is None:
        return frozenset()
    request = PriceRequest(
        lines=(), currency=settings.SHOP_CURRENCY, now=now, member_id=member_id
    )
    known = {ANY_MEMBER}
    for source in offer_sources():
        tell = getattr(source, "audiences", None)
        if tell is not None:
            known |= tell(request)
    return frozenset(known)
