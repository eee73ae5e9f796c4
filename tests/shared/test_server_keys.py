from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from crm.shared.keyring import Keyring
from crm.shared.models import AuditEntry, ServerKey
from crm.shared.server_keys import (
    UnknownScope,
    find_server_key,
    make_server_key,
    revoke_server_key,
    take_request,
)
from tests.cast import NOON
from tests.members.people import dump


def make(**changed):
    about = {"name": "ERP", "scopes": ["members:read"], "actor": "tests", "now": NOON}
    return make_server_key(**about | changed)


def test_a_key_is_found_by_its_secret_and_kept_as_a_hash(db):
    key, secret = make(scopes=["members:write", "members:read", "members:read"])
    assert secret.startswith("sk_test_")
    assert len(secret) == 48
    assert find_server_key(secret=secret, now=NOON) == key
    assert (key.prefix, key.scopes) == (
        secret[:12],
        ["members:read", "members:write"],
    )
    places = {place for place, held in dump().items() if secret.encode() in held}
    assert places == set()


def test_no_two_keys_are_alike(db):
    assert make()[1] != make()[1]


@pytest.mark.parametrize("scopes", [[], ["members:everything"], ["members:read", ""]])
def test_an_unknown_scope_is_refused_and_writes_nothing(db, scopes):
    with pytest.raises(UnknownScope):
        make(scopes=scopes)
    assert not ServerKey.objects.exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda secret: secret[:-1] + ("a" if secret[-1] != "a" else "b"),
        lambda secret: secret.replace("test", "live"),
        lambda secret: secret + "a",
        lambda secret: secret * 3,
        lambda secret: secret.upper(),
        lambda secret: "sk_test_",
        lambda secret: "",
        lambda secret: "sk_test_é",
    ],
)
def test_what_is_no_key_opens_nothing(db, spoil):
    _key, secret = make()
    assert find_server_key(secret=spoil(secret), now=NOON) is None


def test_keys_of_test_shops_do_not_open_real_ones(db, settings):
    _key, secret = make()
    settings.IS_PRODUCTION = True
    assert find_server_key(secret=secret, now=NOON) is None
    key, secret = make()
    assert secret.startswith("sk_live_")
    assert find_server_key(secret=secret, now=NOON) == key


def test_a_key_works_until_it_expires(db):
    _key, secret = make(expires_at=NOON + timedelta(hours=1))
    assert find_server_key(secret=secret, now=NOON + timedelta(minutes=59))
    assert not find_server_key(secret=secret, now=NOON + timedelta(hours=1))


def test_a_revoked_key_is_dead_and_the_deed_is_kept_once(db, dana):
    key, secret = make(actor=dana)
    assert revoke_server_key(key_id=key.pk, actor=dana, now=NOON)
    assert not revoke_server_key(key_id=key.pk, actor=dana, now=NOON)
    assert find_server_key(secret=secret, now=NOON) is None
    entries = AuditEntry.objects.order_by("id").values_list(
        "action", "actor", "object_id"
    )
    assert list(entries) == [
        ("server_keys.make", "dana", key.public_id),
        ("server_keys.revoke", "dana", key.public_id),
    ]


def test_keys_outlive_a_change_of_index_keys(db, settings):
    key, secret = make()
    old = settings.KEYRING
    both = Keyring(
        primary=old.primary,
        keys=old.keys,
        index_primary=9,
        index_keys={9: b"9" * 32, **old.index_keys},
    )
    settings.KEYRING = both
    assert find_server_key(secret=secret, now=NOON) == key
    # Used once while both are there, it needs the old one no more.
    settings.KEYRING = Keyring(
        primary=old.primary,
        keys=old.keys,
        index_primary=9,
        index_keys={9: b"9" * 32},
    )
    assert find_server_key(secret=secret, now=NOON) == key


def test_a_minute_holds_so_many_requests(db):
    key, _secret = make(per_minute=2)
    first = take_request(key=key, now=NOON)
    assert (first.allowed, first.limit, first.remaining, first.seconds) == (
        True,
        2,
        1,
        60,
    )
    later = NOON + timedelta(seconds=20)
    assert take_request(key=key, now=later).allowed
    refused = take_request(key=key, now=later)
    assert (refused.allowed, refused.remaining, refused.seconds) == (False, 0, 40)
    fresh = take_request(key=key, now=NOON + timedelta(seconds=60))
    assert (fresh.allowed, fresh.remaining) == (True, 1)
    key.refresh_from_db()
    assert key.last_used_at == NOON + timedelta(seconds=60)


@pytest.mark.django_db(transaction=True)
def test_fifty_requests_at_once_take_exactly_what_is_there():
    key, _secret = make(per_minute=7)

    def take(_):
        try:
            return take_request(key=key, now=NOON).allowed
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(50))) == 7
