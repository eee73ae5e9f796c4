"""Keys of the server API: made, found, counted, revoked.

``sk_live_…`` opens production shops, ``sk_test_…`` demo and test shops; the wrong
kind opens nothing. The database keeps a keyed hash, so a dump holds no key.
"""

import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm import wiring
from crm.shared.audit import record_audit
from crm.shared.blind_index import fingerprint
from crm.shared.errors import Refusal
from crm.shared.models import ServerKey

#: What the hash is bound to. Never changes, whatever the table is called.
_PLACE = "shared_serverkey.secret"
_HASH_BYTES = 32
_SECRET_SIGNS = string.ascii_letters + string.digits
_SECRET_LENGTH = 40
_LONGEST_KEY = 80
_SHOWN = 12
_MINUTE = timedelta(minutes=1)


class UnknownScope(Refusal):
    """This is no scope of a server key."""

    code = "unknown_scope"
    status = 422
    message = _("This is no scope of a server key.")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a key's minute; ``allowed`` is whether this request fits."""

    allowed: bool
    limit: int
    remaining: int
    seconds: int


def kind() -> str:
    """Return how keys of this shop begin."""
    return "sk_live_" if settings.IS_PRODUCTION else "sk_test_"


def new_secret() -> str:
    """Return a fresh key: 40 random signs after the kind, 238 bits."""
    signs = (secrets.choice(_SECRET_SIGNS) for _sign in range(_SECRET_LENGTH))
    return kind() + "".join(signs)


@transaction.atomic
def make_server_key(
    *,
    name: str,
    scopes: Iterable[str],
    per_minute: int = 600,
    expires_at: datetime | None = None,
    actor: Any,
    secret: str = "",
    now: datetime,
) -> tuple[ServerKey, str]:
    """Make a key; return it with its secret, which nobody can see again.

    Args:
        name: which program uses it.
        scopes: of ``SERVER_SCOPES`` in ``crm/wiring.py``, one or more.
        per_minute: requests it may send in one minute.
        expires_at: when it stops working; None never.
        actor: who made it, for the audit trail.
        secret: a known one, for demo shops; left out it is drawn by chance.
        now: when, aware.

    Raises:
        UnknownScope: a scope is unknown, or there is none.
    """
    chosen = sorted(set(scopes))
    if not chosen or not set(chosen) <= set(wiring.SERVER_SCOPES):
        raise UnknownScope
    secret = secret or new_secret()
    key = ServerKey.objects.create(
        name=name,
        prefix=secret[:_SHOWN],
        digest=_digest(secret, settings.KEYRING.index_primary),
        scopes=chosen,
        per_minute=per_minute,
        created_at=now,
        expires_at=expires_at,
    )
    record_audit(
        actor=actor,
        action="server_keys.make",
        obj=key,
        detail={"name": name, "scopes": chosen},
        now=now,
    )
    return key, secret


@transaction.atomic
def revoke_server_key(*, key_id: int, actor: Any, now: datetime) -> bool:
    """Make a key useless from now on; whether it was of any use before."""
    revoked = ServerKey.objects.filter(pk=key_id, revoked_at__isnull=True).update(
        revoked_at=now
    )
    if revoked:
        record_audit(
            actor=actor,
            action="server_keys.revoke",
            obj=ServerKey.objects.get(pk=key_id),
            now=now,
        )
    return bool(revoked)


def find_server_key(*, secret: str, now: datetime) -> ServerKey | None:
    """Return the key with this secret, if it still works in this shop."""
    if len(secret) > _LONGEST_KEY or not secret.startswith(kind()):
        return None
    # While index keys change, a key may stand under the hash of an older one.
    ring = settings.KEYRING
    found = ServerKey.objects.filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=now),
        digest__in=[_digest(secret, number) for number in ring.index_keys],
        revoked_at__isnull=True,
    ).first()
    if found is not None:
        newest = _digest(secret, ring.index_primary)
        if bytes(found.digest) != newest:
            # Only its owner knows the secret, so its hash moves when it is used.
            ServerKey.objects.filter(pk=found.pk).update(digest=newest)
    return found


_COUNT = """
UPDATE shared_serverkey
   SET used = CASE WHEN window_started_at > %(begin)s THEN used + 1 ELSE 1 END,
       window_started_at = CASE WHEN window_started_at > %(begin)s
                                THEN window_started_at ELSE %(now)s END,
       last_used_at = %(now)s
 WHERE id = %(id)s
   AND (used < per_minute OR window_started_at > %(begin)s IS NOT TRUE)
RETURNING per_minute, per_minute - used, window_started_at
"""


def take_request(*, key: ServerKey, now: datetime) -> Allowance:
    """Count one request of a key's minute, in one conditional write.

    All processes count together, and a lost cache opens no door. Must not run inside
    the transaction of the request, or its end would undo the count.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"id": key.pk, "now": now, "begin": now - _MINUTE})
        row = cursor.fetchone()
    if row is None:
        started = ServerKey.objects.values_list("window_started_at", flat=True).get(
            pk=key.pk
        )
        return Allowance(False, key.per_minute, 0, _seconds_left(started or now, now))
    limit, remaining, started = row
    return Allowance(True, limit, remaining, _seconds_left(started, now))


def _seconds_left(started: datetime, now: datetime) -> int:
    return max(1, round((started + _MINUTE - now).total_seconds()))


def _digest(secret: str, number: int) -> bytes:
    return fingerprint(secret, _PLACE, key=number, size=_HASH_BYTES)
