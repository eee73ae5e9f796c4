"""Whom a buyer belongs to, for prices that are not for everybody."""

from datetime import datetime

from django.conf import settings

from orders.rules.offers import PriceRequest
from orders.services.quoting import audiences_for, offer_sources


def audiences_of(*, member_id: int | None, now: datetime) -> frozenset[str]:
    """Return the audiences of a buyer outside a cart, as a quote finds them."""
    request = PriceRequest(
        lines=(), currency=settings.SHOP_CURRENCY, now=now, member_id=member_id
    )
    return audiences_for(request, sources=offer_sources())
