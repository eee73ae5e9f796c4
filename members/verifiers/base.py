"""The socket for verifiers of instruments (``crm.wiring.INSTRUMENT_VERIFIERS``)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from crm import wiring
from crm.shared.errors import Refusal


class UnknownVerifier(Refusal):
    """This shop cannot check such an instrument."""

    code = "unknown_verifier"
    status = 422
    message = _("This shop cannot check such an instrument.")


class BadVerdict(Refusal):
    """This message was not signed by the verifier."""

    code = "invalid_signature"
    status = 403
    message = _("This message was not signed by the verifier.")


class VerifierUnavailable(Exception):
    """The verifier did not answer, or not clearly: ask again with the same key."""


class Outcome(StrEnum):
    """Yes or no."""

    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verifier says about one question.

    ``key`` is the question's public id, ``reference`` the verifier's own number of the
    check, ``reason`` its code for a refusal. Nothing of the instrument itself.
    """

    key: str
    outcome: Outcome
    reference: str
    reason: str
    decided_at: datetime


class Verifier(Protocol):
    """One provider that knows whether an instrument is good and its holder's.

    No method is called inside a database transaction.
    """

    #: True for a verifier that must never take part in a production shop.
    demo_only: bool
    #: Kinds of instrument it can check (``PaymentInstrument.Kind``).
    kinds: frozenset[str]

    def verify(self, *, key: str, token: str) -> Verdict | None:
        """Ask about an instrument; None when the answer will come as a callback.

        Asked again with the same ``key``, nothing is checked or charged twice.

        Raises:
            VerifierUnavailable: no clear answer.
        """
        ...

    def read_callback(self, *, body: bytes, headers: Mapping[str, str]) -> Verdict:
        """Return what a message says, once its signature is checked.

        Raises:
            BadVerdict: not signed with the shared secret, or not a message at all.
        """
        ...


def verifier_of(code: str) -> Verifier:
    """Return the verifier with this code.

    Raises:
        UnknownVerifier: not listed, or a demo verifier in a production shop.
    """
    path = wiring.INSTRUMENT_VERIFIERS.get(code)
    verifier: Verifier | None = import_string(path)() if path else None
    if verifier is None or (verifier.demo_only and settings.IS_PRODUCTION):
        raise UnknownVerifier
    return verifier
