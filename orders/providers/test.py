"""A payment gateway for demo and test shops that behaves like a real one.

Its messages are signed, come later, twice, out of order or not at all, as whoever
delivers them likes; refunds can be made to fail. No money moves. See
``docs/how-to/payment-provider.md``.
"""

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Mapping
from typing import ClassVar

from django.conf import settings

from orders.providers.base import (
    BadSignature,
    Notice,
    NoticeKind,
    ProviderUnavailable,
    RefundAnswer,
    Started,
)

#: Header with ``v1=<hex HMAC-SHA256 of the body>``.
SIGNATURE_HEADER = "X-Payment-Signature"
_VERSION = "v1="
#: Instruments whose token begins so are declined.
DECLINED = "declined"


class TestProvider:
    """The gateway as the shop sees it."""

    __test__ = False  # Not a test case, whatever pytest thinks of its name.
    demo_only: ClassVar[bool] = True
    takes_payments: ClassVar[bool] = True
    is_stored_value: ClassVar[bool] = False
    receipt: ClassVar[str] = ""
    is_ready: ClassVar[bool] = True
    #: What tests look at and turn: money given back per key, and the next answers.
    given_back: ClassVar[dict[str, int]] = {}
    asked: ClassVar[Counter[str]] = Counter()
    outages: ClassVar[int] = 0
    refuses: ClassVar[bool] = False
    #: Instruments charged, by payment, and whether every charge is declined.
    charged: ClassVar[dict[str, int]] = {}
    declines: ClassVar[bool] = False
    #: What became of payments, by their id: ``query`` answers with it.
    outcomes: ClassVar[dict[str, NoticeKind]] = {}

    def start(self, *, payment_id: str, amount_minor: int, currency: str) -> Started:
        """Announce a payment."""
        reference = f"test_{payment_id}"
        return Started(reference, f"/api/payments/test/{payment_id}/outcome")

    def query(
        self, *, payment_id: str, amount_minor: int, currency: str
    ) -> Notice | None:
        """Answer what a script said became of it."""
        cls = type(self)
        cls.asked[payment_id] += 1
        if cls.outages > 0:
            cls.outages -= 1
            raise ProviderUnavailable
        kind = cls.outcomes.get(payment_id)
        if kind is None:
            return None
        return Notice(
            event_id=f"{payment_id}:{kind}",
            kind=kind,
            payment_id=payment_id,
            reference=f"test_{payment_id}",
            amount_minor=amount_minor,
            currency=currency,
        )

    def charge(
        self, *, payment_id: str, token: str, amount_minor: int, currency: str
    ) -> Notice:
        """Charge an instrument once per payment, unless told to decline."""
        cls = type(self)
        cls.asked[payment_id] += 1
        if cls.outages > 0:
            cls.outages -= 1
            raise ProviderUnavailable
        declines = cls.declines or token.startswith(DECLINED)
        says = NoticeKind.FAILED if declines else NoticeKind.CAPTURED
        kind = cls.outcomes.setdefault(payment_id, says)
        if kind is NoticeKind.CAPTURED:
            cls.charged.setdefault(payment_id, amount_minor)
        return Notice(
            event_id=f"{payment_id}:{kind}",
            kind=kind,
            payment_id=payment_id,
            reference=f"test_{payment_id}",
            amount_minor=amount_minor,
            currency=currency,
        )

    def refund(
        self, *, key: str, reference: str, amount_minor: int, currency: str
    ) -> RefundAnswer:
        """Give money back once per key, unless told to fail."""
        cls = type(self)
        cls.asked[key] += 1
        if cls.outages > 0:
            cls.outages -= 1
            raise ProviderUnavailable
        if cls.refuses:
            return RefundAnswer.REFUSED
        cls.given_back.setdefault(key, amount_minor)
        return RefundAnswer.DONE

    def read_callback(self, *, body: bytes, headers: Mapping[str, str]) -> Notice:
        """Check the signature, then read."""
        if not hmac.compare_digest(
            headers.get(SIGNATURE_HEADER, "").encode(), signature(body).encode()
        ):
            raise BadSignature
        try:
            message = json.loads(body)
            return Notice(
                event_id=str(message["event_id"])[:80],
                kind=NoticeKind(message["kind"]),
                payment_id=str(message["payment_id"]),
                reference=str(message["reference"]),
                amount_minor=int(message["amount_minor"]),
                currency=str(message["currency"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise BadSignature from error


def signature(body: bytes) -> str:
    """Return the signature header of a message."""
    key = hashlib.sha256(b"orders.providers.test:" + settings.SECRET_KEY.encode())
    return _VERSION + hmac.new(key.digest(), body, hashlib.sha256).hexdigest()


def signed_message(
    *,
    payment_id: str,
    amount_minor: int,
    currency: str,
    kind: str = "captured",
    event_id: str = "",
) -> tuple[bytes, dict[str, str]]:
    """Return body and headers as the gateway would send them.

    Args:
        payment_id: public id of the payment.
        kind: ``captured`` or ``failed``.
        event_id: the same id is the same message again; default one per kind.
    """
    message = {
        "event_id": event_id or f"{payment_id}:{kind}",
        "kind": kind,
        "payment_id": payment_id,
        "reference": f"test_{payment_id}",
        "amount_minor": amount_minor,
        "currency": currency,
    }
    body = json.dumps(message, separators=(",", ":"), sort_keys=True).encode()
    return body, {SIGNATURE_HEADER: signature(body)}
