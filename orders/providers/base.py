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


class NotForUs(Refusal):
    """This message is meant for another shop."""

    code = "message_not_for_us"
    status = 403
    message = _("This message is meant for another shop.")


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
    #: It is under way: nothing to do.
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Started:
    """A payment that can be made: where the buyer pays.

    ``reference`` is the provider's name for it; empty while there is none.
    """

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
    #: False where payments are only told of, and none can be started here.
    takes_payments: bool
    #: True where the shop itself keeps the money: ``start``, ``query`` and
    #: ``read_callback`` have no meaning then, ``orders.services.payment`` holds it.
    is_stored_value: bool
    #: What a message is answered with when it was taken; empty is the usual JSON.
    receipt: str

    @property
    def is_ready(self) -> bool:
        """Whether the shop has what this provider needs."""
        ...

    def start(self, *, payment_id: str, amount_minor: int, currency: str) -> Started:
        """Announce a payment. Called again for the same id, answers the same."""
        ...

    def query(
        self, *, payment_id: str, amount_minor: int, currency: str
    ) -> Notice | None:
        """Ask what became of a payment; None: nobody there has begun to pay it.

        Raises:
            ProviderUnavailable: no clear answer.
        """
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
            BadSignature: not signed by the provider, or not a message at all.
            NotForUs: signed, but for somebody else.
        """
        ...


class ChargesInstruments(Provider, Protocol):
    """A provider that can charge what a member bound, without the member."""

    def charge(
        self, *, payment_id: str, token: str, amount_minor: int, currency: str
    ) -> Notice:
        """Charge an instrument; asked again for the same payment, answers the same.

        Args:
            payment_id: our public id, which the provider charges once at most.
            token: the provider's name for the instrument.

        Raises:
            ProviderUnavailable: no clear answer.
        """
        ...


def provider_of(code: str) -> Provider:
    """Return the provider with this code.

    Raises:
        UnknownProvider: not listed, not set up, or a demo provider in a production
            shop.
    """
    path = wiring.PAYMENT_PROVIDERS.get(code)
    provider: Provider | None = import_string(path)() if path else None
    if provider is None or (provider.demo_only and settings.IS_PRODUCTION):
        raise UnknownProvider
    if not provider.is_ready:
        raise UnknownProvider
    return provider
