"""Passkeys of a login: how many, what they are called, whether they count on.

The ceremony is allauth's; here is what it leaves out (docs/adr/0018-signing-in.md).
"""

from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from members.models import User
from members.rules.passkeys import MOST_PASSKEYS, counts_on
from members.services.second_factors import seal_secret

_WEBAUTHN = Authenticator.Type.WEBAUTHN


class TooManyPasskeys(Refusal):
    """No more passkeys fit; remove one first."""

    code = "too_many_passkeys"
    message = _("No more passkeys fit; remove one first.")


class PasskeyKnown(Refusal):
    """This passkey is yours already."""

    code = "passkey_known"
    message = _("This passkey is yours already.")


def make_room(*, user_id: int, credential_id: str) -> None:
    """Hold a login until the end of the transaction, which adds a passkey to it.

    Args:
        user_id: the login; its row is the lock.
        credential_id: of the new passkey, as sent.

    Raises:
        TooManyPasskeys: it has as many as one may have.
        PasskeyKnown: this one it has.
    """
    User.objects.select_for_update(no_key=True).get(pk=user_id)
    own = Authenticator.objects.filter(user_id=user_id, type=_WEBAUTHN)
    if own.filter(data__credential__id=credential_id).exists():
        raise PasskeyKnown
    if own.count() >= MOST_PASSKEYS:
        raise TooManyPasskeys


@transaction.atomic
def rename_passkey(*, user_id: int, passkey_id: int, name: str) -> Authenticator:
    """Call a passkey something else; the name is sealed.

    Raises:
        Authenticator.DoesNotExist: this login has no such passkey.
    """
    row = Authenticator.objects.select_for_update().get(
        pk=passkey_id, user_id=user_id, type=_WEBAUTHN
    )
    row.data["name"] = seal_secret(name)
    row.save(update_fields=["data"])
    return row


@transaction.atomic
def count_use(*, passkey_id: int, shown: int, now: datetime) -> bool:
    """Keep the signature counter a passkey shows; return whether it goes on.

    Where it does not, nothing changes and the audit trail gets an entry: somebody
    may have copied the key.

    Args:
        passkey_id: an authenticator whose signature was right.
        shown: the counter that was signed.
        now: when, aware.
    """
    # The row is the lock: of two answers with one number one counts.
    row = Authenticator.objects.select_for_update().get(pk=passkey_id)
    kept = row.data.get("counter")
    if kept is None:
        kept = row.wrap().authenticator_data.counter
    if not counts_on(kept=kept, shown=shown):
        record_audit(
            actor=None,
            action="members.passkey_counted_back",
            object_type=User._meta.label,
            object_id=str(row.user_id),
            detail={"kept": kept, "shown": shown},
            now=now,
        )
        return False
    row.data["counter"] = shown
    row.save(update_fields=["data"])
    return True
