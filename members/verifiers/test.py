"""A verifier for demo and test shops that behaves like a real one.

Its answers come later, signed, twice or not at all, as whoever delivers them likes;
it can be out of order. See ``docs/how-to/check-a-payment-instrument.md``.
"""

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from django.conf import settings

from members.verifiers.base import (
    BadVerdict,
    Outcome,
    Verdict,
    VerifierUnavailable,
)

#: Header with ``v1=<hex HMAC-SHA256 of the body>``.
SIGNATURE_HEADER = "X-Verifier-Signature"
_VERSION = "v1="


class TestVerifier:
    """The verifier as the shop sees it."""

    __test__ = False  # Not a test case, whatever pytest thinks of its name.
    demo_only: ClassVar[bool] = True
    kinds: ClassVar[frozenset[str]] = frozenset({"card", "wechat", "alipay"})
    #: What tests look at and turn: questions per key, outages to come, and verdicts
    #: given at once, per token.
    asked: ClassVar[Counter[str]] = Counter()
    outages: ClassVar[int] = 0
    at_once: ClassVar[dict[str, tuple[Outcome, datetime]]] = {}

    def verify(self, *, key: str, token: str) -> Verdict | None:
        """Take the question; the answer comes later unless a test wants it now."""
        cls = type(self)
        cls.asked[key] += 1
        if cls.outages > 0:
            cls.outages -= 1
            raise VerifierUnavailable
        if token not in cls.at_once:
            return None
        outcome, at = cls.at_once[token]
        return Verdict(key, outcome, f"test_{key}", "", at)

    def read_callback(self, *, body: bytes, headers: Mapping[str, str]) -> Verdict:
        """Check the signature, then read."""
        if not hmac.compare_digest(
            headers.get(SIGNATURE_HEADER, "").encode(), signature(body).encode()
        ):
            raise BadVerdict
        try:
            message = json.loads(body)
            verdict = Verdict(
                key=str(message["key"]),
                outcome=Outcome(message["outcome"]),
                reference=str(message["reference"]),
                reason=str(message.get("reason", "")),
                decided_at=datetime.fromisoformat(message["decided_at"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadVerdict from error
        if verdict.decided_at.tzinfo is None:
            raise BadVerdict
        return verdict


def signature(body: bytes) -> str:
    """Return the signature header of a message."""
    key = hashlib.sha256(b"members.verifiers.test:" + settings.SECRET_KEY.encode())
    return _VERSION + hmac.new(key.digest(), body, hashlib.sha256).hexdigest()


def signed_verdict(
    *,
    key: str,
    decided_at: datetime,
    outcome: str = "passed",
    reason: str = "",
    reference: str = "",
) -> tuple[bytes, dict[str, str]]:
    """Return body and headers as the verifier would send them.

    Args:
        key: public id of the question.
        decided_at: aware.
        outcome: ``passed`` or ``failed``.
        reason: code for a refusal.
        reference: its number of the check; default made of ``key``.
    """
    message = {
        "key": key,
        "outcome": outcome,
        "reference": reference or f"test_{key}",
        "reason": reason,
        "decided_at": decided_at.isoformat(),
    }
    body = json.dumps(message, separators=(",", ":"), sort_keys=True).encode()
    return body, {SIGNATURE_HEADER: signature(body)}
