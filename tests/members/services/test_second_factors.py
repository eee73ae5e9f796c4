import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.core.management import CommandError, call_command

from crm.shared.encryption import DecryptionFailed
from crm.shared.models import AuditEntry
from members.models import Session
from members.services.second_factors import (
    has_second_factor,
    new_secret,
    renew_second_factors,
    reset_second_factor,
)
from members.sessions import SessionStore
from tests.cast import NOON, make_user


def turn_over(ring, *, keep_old=True):
    keys = {9: bytes(range(32)), **(ring.keys if keep_old else {})}
    return type(ring)(
        primary=9,
        keys=keys,
        index_primary=ring.index_primary,
        index_keys=ring.index_keys,
    )


def secret_of(user):
    row = Authenticator.objects.get(user=user, type="totp")
    return TOTP(row), row.data["secret"]


def test_secrets_move_to_the_newest_key_and_still_open(dana, settings):
    secret = new_secret()
    TOTP.activate(dana, secret)
    _app, before = secret_of(dana)
    assert secret not in before
    ring = settings.KEYRING
    settings.KEYRING = turn_over(ring)

    assert renew_second_factors() == 1
    assert renew_second_factors() == 0

    settings.KEYRING = turn_over(ring, keep_old=False)
    app, after = secret_of(dana)
    assert after != before
    assert app.validate_code("x") is False  # opens, and the code is wrong


def test_a_dropped_key_lets_nobody_through(dana, settings):
    TOTP.activate(dana, new_secret())
    settings.KEYRING = turn_over(settings.KEYRING, keep_old=False)
    app, _sealed = secret_of(dana)
    with pytest.raises(DecryptionFailed):
        app.validate_code("123456")


def test_a_lost_phone_is_reset_and_written_down(dana, bob):
    TOTP.activate(dana, new_secret())
    TOTP.activate(bob.user, new_secret())
    session = SessionStore()
    session["_auth_user_id"] = str(dana.pk)
    session.create()
    session.save()

    taken = reset_second_factor(user_id=dana.pk, actor="boss", reason="lost", now=NOON)

    assert taken == 1
    assert not has_second_factor(user_id=dana.pk)
    assert has_second_factor(user_id=bob.user_id)
    assert not Session.objects.filter(user=dana).exists()
    entry = AuditEntry.objects.get(action="members.reset_second_factor")
    assert (entry.actor, entry.reason, entry.detail) == ("boss", "lost", {"taken": 1})


def test_the_commands_do_it_too(dana, capsys):
    TOTP.activate(dana, new_secret())
    call_command("renew_second_factors")
    call_command("reset_second_factor", "dana", reason="lost")
    assert "1 second factors were taken off dana." in capsys.readouterr().out
    with pytest.raises(CommandError, match="nobody"):
        call_command("reset_second_factor", "nobody", reason="lost")
    make_user("still there")
