"""Server keys in the console: shown once, revoked, and whose business they are."""

import re

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from crm.console.demo.logins import SERVER_KEY
from crm.console.management.commands.boot import table_of_addresses
from crm.shared.clock import now
from crm.shared.models import AuditEntry, ServerKey
from crm.shared.server_keys import find_server_key, make_server_key
from members.models import Session
from tests.members.people import dump

ADD = reverse("admin:shared_serverkey_add")
LIST = reverse("admin:shared_serverkey_changelist")
FORM = {"name": "ERP", "scopes": ["members:read"], "per_minute": 60}


def make():
    return make_server_key(
        name="Till", scopes=["members:read"], actor="tests", now=now()
    )


def revoke(client, key):
    return client.post(LIST, {"action": "revoke", "_selected_action": [key.pk]})


def test_the_owner_makes_a_key_and_sees_it_once(signed_in):
    client = signed_in("owner")
    answer = client.post(ADD, FORM)
    html = answer.content.decode()
    (secret,) = re.findall(r"sk_test_[A-Za-z0-9]{40}", html)
    assert "no-store" in answer["Cache-Control"]
    assert '<label class="cs-soft" for="secret">' in html

    key = find_server_key(secret=secret, now=now())
    assert (key.name, key.scopes, key.per_minute) == ("ERP", ["members:read"], 60)
    entries = AuditEntry.objects.filter(action__startswith="server_keys")
    assert [(entry.actor, entry.object_id) for entry in entries] == [
        ("owner", key.public_id)
    ]
    assert not AuditEntry.objects.filter(action="shared.serverkey.add").exists()

    assert secret not in client.get(LIST).content.decode()
    assert not list(get_messages(answer.wsgi_request))
    held = b"".join(dump().values())
    held += str([s.session_data for s in Session.objects.all()]).encode()
    held += str(client.cookies).encode()
    assert secret.encode() not in held


@pytest.mark.parametrize("wrong", [{"scopes": []}, {"scopes": ["x"]}, {"name": ""}])
def test_a_bad_form_makes_nothing(signed_in, wrong):
    answer = signed_in("owner").post(ADD, {**FORM, **wrong})
    assert answer.status_code == 200
    assert not ServerKey.objects.exists()


@pytest.mark.parametrize(
    "role", ["support", "marketer", "loyalty manager", "analyst", "finance", "auditor"]
)
def test_nobody_else_makes_or_revokes(signed_in, role):
    key, secret = make()
    client = signed_in(role)
    assert client.post(ADD, FORM).status_code == 403
    revoke(client, key)
    assert find_server_key(secret=secret, now=now()) == key


def test_the_owner_revokes(signed_in):
    key, secret = make()
    client = signed_in("owner")
    assert revoke(client, key).status_code == 302
    assert find_server_key(secret=secret, now=now()) is None
    assert AuditEntry.objects.get(action="server_keys.revoke").actor == "owner"
    assert "revoked" in client.get(LIST).content.decode()


def test_a_key_is_never_changed_or_deleted(signed_in):
    key, _secret = make()
    client = signed_in("admin")
    for page in ("change", "delete"):
        url = reverse(f"admin:shared_serverkey_{page}", args=[key.pk])
        assert client.post(url, {**FORM, "post": "yes"}).status_code == 403
    assert ServerKey.objects.get().name == "Till"


def test_the_demo_shop_prints_its_key_and_a_real_one_none(settings):
    settings.ENVIRONMENT = "demo"
    assert SERVER_KEY in table_of_addresses("http://x")
    settings.ENVIRONMENT = "production"
    assert SERVER_KEY not in table_of_addresses("http://x")
