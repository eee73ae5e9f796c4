"""What ways to pay are called. Codes are stable, texts are translated."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from orders.models import Payment
from orders.models.order import EXCHANGE

#: Code of a provider -> its name: those of ``crm.wiring.PAYMENT_PROVIDERS``, and the
#: value of units that came back for others.
PROVIDERS: dict[str, Any] = {
    "wallet": _("stored value"),
    "alipay": _("Alipay"),
    "test": _("test provider"),
    "elsewhere": _("paid elsewhere"),
    EXCHANGE: _("exchange"),
}


def provider_words(code: str) -> str:
    """Return the name of a provider; of one that is gone, its code."""
    return str(PROVIDERS.get(code, code))


def tender_words(payment: Payment) -> str:
    """Return how money came: the way another system names goes along."""
    name = provider_words(payment.provider)
    return f"{name} ({payment.tender})" if payment.tender else name
