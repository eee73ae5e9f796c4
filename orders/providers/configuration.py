"""The shop's accounts at payment gateways, from settings."""

from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from members.providers.configuration import key_text
from orders.rules.alipay import CURRENCY


@dataclass(frozen=True, slots=True)
class AlipayAccount:
    """One app that takes payments for one seller."""

    app_id: str
    #: The seller's account number (PID), such as ``2088…``.
    seller_id: str
    private_key: str
    #: Alipay's, not ours.
    public_key: str
    #: Host of the gateway, such as ``https://openapi.alipay.com``.
    api: str

    def __repr__(self):
        """Show no key."""
        return f"AlipayAccount({self.app_id})"


def alipay_account(env: Env, *, currency: str) -> AlipayAccount | None:
    """Return the account that takes payments, or None where there is none.

    ``CRM_ALIPAY_PAYMENT_APP`` and ``CRM_ALIPAY_PAYMENT_SELLER`` name it; the keys are
    ``CRM_ALIPAY_PRIVATE_KEY`` and ``CRM_ALIPAY_PUBLIC_KEY``, as for signing in.

    Raises:
        ImproperlyConfigured: one of them is missing, or the shop sells in another
            currency.
    """
    app_id = env("CRM_ALIPAY_PAYMENT_APP", default="").strip()
    if not app_id:
        return None
    account = AlipayAccount(
        app_id=app_id,
        seller_id=env("CRM_ALIPAY_PAYMENT_SELLER", default="").strip(),
        private_key=key_text(env("CRM_ALIPAY_PRIVATE_KEY", default="")),
        public_key=key_text(env("CRM_ALIPAY_PUBLIC_KEY", default="")),
        api=env("CRM_ALIPAY_API", default="https://openapi.alipay.com").rstrip("/"),
    )
    if not (account.seller_id and account.private_key and account.public_key):
        raise ImproperlyConfigured(
            "CRM_ALIPAY_PAYMENT_APP needs CRM_ALIPAY_PAYMENT_SELLER, "
            "CRM_ALIPAY_PRIVATE_KEY and CRM_ALIPAY_PUBLIC_KEY."
        )
    if currency != CURRENCY:
        raise ImproperlyConfigured(
            f"CRM_ALIPAY_PAYMENT_APP: Alipay pays in {CURRENCY}, the shop sells in "
            f"{currency}."
        )
    return account
