"""What proves an address beside a code; passkeys; phones in allauth's own doors."""

import re
from urllib.parse import unquote

import pytest
from django.core import mail
from django.test import Client
from rest_framework.test import APIClient

from members.models import Member
from tests.members.api.codes import PHONE
from tests.members.api.signing_in import ADDRESS, AUTH, PASSWORD, post, sign_up
from tests.members.people import dump

ACCOUNT = "/_allauth/app/v1/account"


def test_the_link_in_a_mail_proves_the_address(db, settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    assert sign_up(email=ADDRESS, password=PASSWORD).status_code == 401
    assert Member.objects.get().email_verified_at is None
    key = unquote(re.search(r"/verify-email/(\S+)", mail.outbox[-1].body)[1])
    answer = post(f"{AUTH}/email/verify", {"key": key})
    assert answer.status_code in {200, 401}, answer.content
    assert Member.objects.get().email_verified_at is not None


def test_a_passkey_is_asked_for_in_the_name_of_the_shop(db, settings):
    answer = Client().get(f"{AUTH}/webauthn/login")
    assert answer.status_code == 200, answer.content
    options = answer.json()["data"]["request_options"]["publicKey"]
    assert options["rpId"] == "testserver"
    assert len(options["challenge"]) >= 32


@pytest.mark.parametrize(
    "credential",
    [
        None,
        "x",
        [],
        {},
        {"id": "x"},
        {"id": "eA", "rawId": "eA", "type": "public-key", "response": {}},
        {
            "id": "eA",
            "rawId": "eA",
            "type": "public-key",
            "response": {
                "clientDataJSON": "eA",
                "authenticatorData": "eA",
                "signature": "eA",
            },
        },
    ],
)
def test_a_passkey_that_cannot_be_read_is_refused(db, credential):
    opened = Client().get(f"{AUTH}/webauthn/login").json()
    token = {"X-Session-Token": opened["meta"]["session_token"]}
    answer = post(f"{AUTH}/webauthn/login", {"credential": credential}, **token)
    assert answer.status_code == 400, answer.content


def test_an_unproved_address_adds_no_second_factor(jing):
    """Whoever signed up with a stranger's address must not lock its owner out."""
    answer = jing.get(f"{ACCOUNT}/authenticators/totp")
    assert answer.status_code == 409, answer.content


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", f"{ACCOUNT}/phone", None),
        ("post", f"{ACCOUNT}/phone", {"phone": PHONE}),
        ("post", f"{AUTH}/phone/verify", {"code": "123456"}),
        ("post", f"{AUTH}/login", {"phone": PHONE, "password": PASSWORD}),
        ("post", f"{AUTH}/signup", {"phone": PHONE, "password": PASSWORD}),
        ("post", f"{AUTH}/password/request", {"phone": PHONE}),
    ],
)
def test_doors_of_allauth_for_phones_open_nothing_and_keep_none(
    jing, method, path, body
):
    client = jing if path.startswith(ACCOUNT) else APIClient()
    answer = getattr(client, method)(path, body, format="json")
    assert answer.status_code < 500
    assert method == "get" or answer.status_code >= 400
    assert all(b"13800007788" not in kept for kept in dump().values())
