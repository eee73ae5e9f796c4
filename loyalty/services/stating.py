"""Hand out a signed statement of points, and tell whether a file is one of ours."""

import hmac
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.blind_index import fingerprint
from crm.shared.errors import Refusal
from loyalty.models import PointsAccount
from loyalty.queries.statements import statement_of
from loyalty.rules.statements import Statement, content_of, signed, split

#: What a signature is bound to, so that no other mark of ours passes for one.
_PURPOSE = "loyalty.points_statement"
_BYTES = 32
#: Lines of one statement at most.
_MOST_LINES = 20_000


class StatementTooLong(Refusal):
    """These days have too many movements for one statement."""

    code = "statement_too_long"
    status = 422
    message = _("These days have too many movements for one statement.")


class Verdict(StrEnum):
    """What is known of a file."""

    OURS = "ours"
    CHANGED = "changed"
    UNSIGNED = "unsigned"
    UNKNOWN_KEY = "unknown_key"


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """A statement, its file, and its signature as it is printed."""

    statement: Statement
    file: bytes
    signature: str


@transaction.atomic
def make_statement(
    *,
    account: PointsAccount,
    first: date,
    last: date,
    reason: str,
    actor: Any,
    now: datetime,
) -> SignedStatement:
    """Write a member's points of some days as a signed file; the audit trail tells.

    The signature is an HMAC-SHA-256 of every byte before it, by the newest index key
    (docs/adr/0016-personal-data-at-rest.md). Neither name nor contact is in it, nor
    what staff wrote.

    Args:
        account: with its member.
        first, last: days of the shop, both included.

    Raises:
        StatementTooLong: more than 20,000 movements.
    """
    statement = statement_of(account, first=first, last=last, now=now)
    if len(statement.lines) > _MOST_LINES:
        raise StatementTooLong
    content = content_of(statement)
    key, signature = _sign(content, settings.KEYRING.index_primary)
    record_audit(
        actor=actor,
        action="points.statement",
        object_type=PointsAccount._meta.label,
        object_id=str(account.pk),
        reason=reason,
        detail={
            "first": first.isoformat(),
            "last": last.isoformat(),
            "rows": len(statement.lines),
            "signature": signature.hex(),
        },
        now=now,
    )
    file = signed(content, key=key, signature=signature)
    return SignedStatement(statement, file, signature.hex())


def check_statement(file: bytes) -> Verdict:
    """Say whether a file is a statement of this shop, to the last byte."""
    parts = split(file)
    if parts is None:
        return Verdict.UNSIGNED
    content, key, signature = parts
    if key not in settings.KEYRING.index_keys:
        return Verdict.UNKNOWN_KEY
    ours = hmac.compare_digest(_sign(content, key)[1], signature)
    return Verdict.OURS if ours else Verdict.CHANGED


def _sign(content: bytes, key: int) -> tuple[int, bytes]:
    # Any byte may stand in a file that is checked; each has its own letter here.
    mark = fingerprint(content.decode("latin-1"), _PURPOSE, key=key, size=_BYTES)
    return mark[0], mark[1:]
