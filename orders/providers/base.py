"""The socket for payment providers (``crm.wiring.PAYMENT_PROVIDERS``)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from crm import wiring
from crm.shared.errors import Refusal


class UnknownProvider(Refusal):
    """This shop has no such way to pay."""

    code = "unknown_payment_provider"
    status = 422
    message = _("This shop has no such way to pay.")


class BadSignature(Refusal):
    """This message was not signed by the payment provider."""

    code = "invalid_signature"
    status = 403
    message = _("This message was not signed by the payment provider.")


class ProviderUnavailable(Exception):
    """The provider did not answer, or not clearly: ask again with the same key."""


class RefundAnswer(StrEnum):
    """What a provider says to a refund."""

    DONE = "done"
    REFUSED = "refused"


class NoticeKind(StrEnum):
    """What a provider tells about a payment."""

    CAPTURED = "captured"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Started:
    """A payment the provider knows: its reference, and where the buyer pays."""

    reference: str
    pay_url: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One signed message of a provider. ``payment_id`` is our public id."""

    event_id: str
    kind: NoticeKind
    payment_id: str
    reference: str
    amount_minor: int
    currency: str


class Provider(Protocol):
    """One way to pay. No method is called inside a database transaction."""

    #: True for a provider that must never take part in a production shop.
    demo_only: bool

    def start(self, *, payment_id: str, amount_minor: int, currency: str) -> Started:
        """Announce a payment. Called again for the same id, answers the same."""
        ...

    def refund(
        self, *, key: str, reference: str, amount_minor: int, currency: str
    ) -> RefundAnswer:
        """Give money back; the same ``key`` never pays twice (R18).

        Raises:
            ProviderUnavailable: no clear answer.
        """
        ...

    def read_callback(self, *, body: bytes, headers: Mapping[str, str]) -> Notice:
        """Return what a message says, once its signature is checked.

        Raises:
            BadSignature: not signed with the shared secret, or not a message at all.
        """
        ...


def provider_of(code: str) -> Provider:
    """Return the provider with this code.

    Raises:
        UnknownProvider: not listed, or a demo provider in a production shop.
    """
    path = wiring.PAYMENT_PROVIDERS.get(code)
    provider: Provider | None = import_string(path)() if path else None
    if provider is None or (provider.demo_only and settings.IS_PRODUCTION):
        raise UnknownProvider
    return provider
