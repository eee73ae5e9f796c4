"""Second factors of logins: bring their secrets to the newest key, take them off."""

import base64
from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    generate_totp_secret,
    validate_totp_code,
)
from django.conf import settings
from django.db import transaction

from crm.shared.audit import record_audit
from crm.shared.encryption import decrypt, encrypt, key_number
from members.models import User
from members.services.devices import end_sessions

#: What the secrets are bound to. Never changes, whatever the table is called.
PLACE = "mfa_authenticator.data"
_SECRETS = ("secret", "seed", "name")


def seal_secret(text: str) -> str:
    """Return a secret, a seed or the name of a passkey as it is kept."""
    return base64.b64encode(encrypt(text, PLACE)).decode()


def open_secret(sealed: str) -> str:
    """Open what ``seal_secret`` made.

    Raises:
        DecryptionFailed: its key is gone: nobody passes, nothing is let through.
    """
    return decrypt(base64.b64decode(sealed), PLACE)


def new_secret() -> str:
    """Return a fresh secret for an authenticator app, in base 32."""
    return generate_totp_secret()


def has_second_factor(*, user_id: int) -> bool:
    """Return whether a login has an authenticator app."""
    return _app_of(user_id) is not None


def _app_of(user_id: int) -> Authenticator | None:
    return Authenticator.objects.filter(
        user_id=user_id, type=Authenticator.Type.TOTP
    ).first()


def check_second_factor(*, user_id: int, code: str) -> bool:
    """Return whether a code of the app, or a recovery code, is right; it is used up."""
    app = _app_of(user_id)
    if app is not None and TOTP(app).validate_code(code):
        app.record_usage()
        return True
    kept = Authenticator.objects.filter(
        user_id=user_id, type=Authenticator.Type.RECOVERY_CODES
    ).first()
    return kept is not None and RecoveryCodes(kept).validate_code(code)


@transaction.atomic
def set_up_second_factor(
    *, user_id: int, secret: str, code: str, now: datetime
) -> list[str]:
    """Give a login its first authenticator app if the app shows the right code.

    Returns:
        Recovery codes, to be shown once; none when the code is wrong or somebody
        else set an app up meanwhile, and then nothing is written.
    """
    user = User.objects.select_for_update().get(pk=user_id)
    if has_second_factor(user_id=user_id) or not validate_totp_code(secret, code):
        return []
    # Used up here: it must not open a second session.
    TOTP.activate(user, secret).validate_code(code)
    Authenticator.objects.filter(
        user_id=user_id, type=Authenticator.Type.RECOVERY_CODES
    ).delete()
    record_audit(actor=user, action="members.set_up_second_factor", obj=user, now=now)
    return RecoveryCodes.activate(user).get_unused_codes()


def renew_second_factors() -> int:
    """Encrypt every secret with the newest key; return how many rows changed.

    To be run before an old key is dropped. Safe to repeat, to interrupt and to run
    while people sign in: each row is locked while it is rewritten.
    """
    renewed = 0
    for pk in Authenticator.objects.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            row = Authenticator.objects.select_for_update().filter(pk=pk).first()
            renewed += row is not None and _renew(row)
    return renewed


def _renew(row: Authenticator) -> bool:
    stale = {
        name: sealed
        for name in _SECRETS
        if (sealed := row.data.get(name))
        and key_number(base64.b64decode(sealed)) != settings.KEYRING.primary
    }
    for name, sealed in stale.items():
        row.data[name] = seal_secret(open_secret(sealed))
    if stale:
        row.save(update_fields=["data"])
    return bool(stale)


@transaction.atomic
def reset_second_factor(
    *, user_id: int, actor: User | str, reason: str, now: datetime
) -> int:
    """Take all second factors off a login, sign it out, and write down who did it.

    For whoever lost phone and recovery codes. At the next sign-in staff who need
    one set a new one up.

    Returns:
        How many were taken off.
    """
    user = User.objects.select_for_update().get(pk=user_id)
    taken, _rows = Authenticator.objects.filter(user=user).delete()
    end_sessions(user_id=user.pk)
    record_audit(
        actor=actor,
        action="members.reset_second_factor",
        obj=user,
        reason=reason,
        detail={"taken": taken},
        now=now,
    )
    return taken
