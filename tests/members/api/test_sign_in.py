import io
import json
import logging
import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from rest_framework.test import APIClient

from crm.shared.models import Fact
from members.models import Member, Session, User
from members.queries import email_is
from members.services.aliasing import email_alias
from members.services.joining import join, open_login
from tests.cast import NOON, make_user
from tests.members.api.signing_in import ADDRESS, AUTH, PASSWORD, log_in, post, sign_up
from tests.members.people import dump

ME = "/api/storefront/v1/me"
BROWSER = "/_allauth/browser/v1/auth"


def test_signing_up_makes_a_member_who_is_signed_in(db):
    answer = sign_up(email=ADDRESS, password=PASSWORD, name=" 王 静 ")

    assert answer.status_code == 200, answer.content
    member = Member.objects.get()
    assert (member.name, member.email, member.source) == (
        "王 静",
        ADDRESS,
        "storefront",
    )
    assert member.user.email == email_alias(ADDRESS) == EmailAddress.objects.get().email
    assert Fact.objects.get().payload == {
        "member_id": member.pk,
        "source": "storefront",
        "is_new": True,
    }
    user = answer.json()["data"]["user"]
    assert (user["id"], user["display"], user["email"]) == (
        member.public_id,
        member.number,
        ADDRESS,
    )
    assert "username" not in user


@pytest.mark.parametrize("typed", [ADDRESS, ADDRESS.upper(), f" {ADDRESS.lower()} "])
def test_one_signs_in_with_the_address_however_it_is_typed(jing, typed):
    answer = log_in(email=typed, password=PASSWORD)
    assert answer.status_code == 200, answer.content
    token = answer.json()["meta"]["session_token"]
    me = APIClient(headers={"Authorization": f"Bearer {token}"}).get(ME)
    assert me.json()["email"] == ADDRESS


def test_wrong_password_and_unknown_address_get_the_same_answer(jing):
    wrong = log_in(email=ADDRESS, password="wrong-horse-7")
    unknown = log_in(email="nobody@example.com", password="wrong-horse-7")
    assert wrong.status_code == unknown.status_code == 400
    assert wrong.content == unknown.content


def test_the_alias_itself_opens_nothing(jing):
    alias = User.objects.get().email
    assert log_in(email=alias, password=PASSWORD).status_code == 400
    assert (
        log_in(username=alias.partition("@")[0], password=PASSWORD).status_code == 400
    )


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("signup", {"email": "nobody", "password": PASSWORD}),
        ("signup", {"email": '"a b"@example.com', "password": PASSWORD}),
        ("signup", {"email": ["a@example.com"], "password": PASSWORD}),
        ("signup", {"email": "a@" + "b" * 250 + ".com", "password": PASSWORD}),
        ("signup", {"password": PASSWORD}),
        ("signup", {"email": "new@example.com", "password": "1234"}),
        (
            "signup",
            {"email": "new@example.com", "password": PASSWORD, "name": "x" * 121},
        ),
        ("login", {"email": "nobody", "password": PASSWORD}),
        ("password/request", {"email": "nobody"}),
        ("login", []),
        ("login", "{"),
        (
            "login",
            '{"email": "a@example.com", "email": "b@example.com", "password": "x"}',
        ),
        ("login", "[" * 100_000),
        ("login", '{"email": "a\\u0000@example.com", "password": "x"}'),
    ],
)
def test_bad_input_is_refused_and_writes_nothing(db, path, body):
    answer = post(f"{AUTH}/{path}", body)
    assert answer.status_code == 400, answer.content
    assert not Member.objects.exists()
    assert not User.objects.exists()
    assert not mail.outbox


def test_a_body_beyond_the_bounds_is_refused(db):
    answer = post(f"{AUTH}/login", b'{"email": "' + b"a" * 3_000_000 + b'"}')
    assert answer.status_code in {400, 413}


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ],
)
def test_the_content_type_is_no_way_round_the_alias(db, kind):
    body = json.dumps({"email": ADDRESS, "password": PASSWORD})
    Client().post(f"{AUTH}/signup", body, content_type=kind)
    assert not EmailAddress.objects.filter(email__icontains="canary").exists()
    assert not User.objects.filter(email__icontains="canary").exists()


def test_an_address_joins_once(jing):
    again = sign_up(email=ADDRESS.upper(), password="other-horse-8")
    assert again.status_code == 400
    assert again.json()["errors"][0]["code"] == "email_taken"
    assert Member.objects.count() == User.objects.count() == 1


def test_nobody_takes_over_an_imported_membership_by_typing_its_address(db):
    member = join(email=ADDRESS, source="import", now=NOON)
    answer = sign_up(email=ADDRESS, password=PASSWORD)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "email_taken"
    member.refresh_from_db()
    assert member.user is None
    assert not User.objects.exists()


def test_an_imported_member_comes_in_by_mail(db):
    member = join(email=ADDRESS, source="import", now=NOON)
    open_login(member_id=member.pk)

    assert (
        post(f"{AUTH}/password/request", {"email": ADDRESS.lower()}).status_code == 200
    )

    (letter,) = mail.outbox
    assert letter.to == [ADDRESS]
    key = re.search(r"/password/(\S+)", letter.body)[1]
    reset = post(
        f"{AUTH}/password/reset", {"key": key, "password": "brand-new-horse-9"}
    )
    assert reset.status_code == 401, reset.content  # reset, and not yet signed in
    assert log_in(email=ADDRESS, password="brand-new-horse-9").status_code == 200
    assert log_in(email=ADDRESS, password="wrong-new-horse-9").status_code == 400


def test_a_new_password_ends_the_old_sessions(jing):
    assert jing.get(ME).status_code == 200
    user = User.objects.get()
    user.set_password("another-horse-9")
    user.save()
    assert jing.get(ME).status_code == 401


def test_asking_for_a_password_tells_nothing_about_who_is_known(jing):
    known = post(f"{AUTH}/password/request", {"email": ADDRESS})
    unknown = post(f"{AUTH}/password/request", {"email": "nobody@example.com"})
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert [letter.to for letter in mail.outbox] == [[ADDRESS], ["nobody@example.com"]]
    assert "id.invalid" not in "".join(
        letter.body + letter.subject for letter in mail.outbox
    )


def test_a_mail_server_that_fails_changes_no_answer(jing, settings, caplog):
    good = post(f"{AUTH}/password/request", {"email": "nobody@example.com"})
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    for email in (ADDRESS, "nobody@example.com"):
        bad = post(f"{AUTH}/password/request", {"email": email})
        assert (bad.status_code, bad.content) == (good.status_code, good.content)
    assert "was not sent: ConnectionRefusedError" in caplog.text
    assert ADDRESS not in caplog.text


def test_browsers_sign_in_with_cookie_and_csrf(jing):
    browser = Client(enforce_csrf_checks=True)
    browser.get("/_allauth/browser/v1/config")
    csrf = {"X-CSRFToken": browser.cookies["csrftoken"].value}
    body = json.dumps({"email": ADDRESS, "password": PASSWORD})
    kind = "application/json"

    assert browser.post(f"{BROWSER}/login", body, content_type=kind).status_code == 403
    assert (
        browser.post(
            f"{BROWSER}/login", body, content_type=kind, headers=csrf
        ).status_code
        == 200
    )

    assert browser.get(ME).json()["email"] == ADDRESS
    csrf = {"X-CSRFToken": browser.cookies["csrftoken"].value}
    patch = {"path": ME, "data": '{"name": "B"}', "content_type": kind}
    assert browser.patch(**patch).status_code == 403
    assert browser.patch(**patch, headers=csrf).status_code == 200


def test_staff_who_are_no_members_are_told_so(db):
    make_user("dana", is_staff=True)
    client = APIClient()
    client.login(username="dana", password="pass-phrase-1")
    answer = client.get(ME)
    assert answer.status_code == 403
    assert answer.json()["code"] == "not_a_member"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Session-Token": ""},
        {"X-Session-Token": "nonsense"},
        {"X-Session-Token": "x" * 5000},
        {"X-Session-Token": "a\x00b"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic eDp5"},
    ],
)
def test_without_a_good_credential_the_answer_is_401(db, headers):
    answer = APIClient(headers=headers).get(ME)
    assert answer.status_code == 401, answer.content
    assert answer["WWW-Authenticate"] == 'Bearer realm="storefront"'
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(("state", "status"), [("frozen", 200), ("closed", 403)])
def test_an_ended_membership_does_not_come_in(jing, state, status):
    Member.objects.update(state=state)
    assert jing.get(ME).status_code == status


def test_a_login_switched_off_does_not_come_in(jing):
    User.objects.update(is_active=False)
    assert jing.get(ME).status_code == 401


def test_signing_out_ends_the_token(jing):
    assert jing.delete("/_allauth/app/v1/auth/session").status_code == 401
    assert jing.get(ME).status_code == 401


def test_after_signing_up_nothing_readable_is_kept_or_logged(db):
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        token = sign_up(email=ADDRESS, password=PASSWORD, name="Canaria 王静").json()[
            "meta"
        ]["session_token"]
        client = APIClient(headers={"X-Session-Token": token})
        changed = client.patch(
            ME, {"phone": "13800007788", "birthday": "1990-02-28"}, format="json"
        )
        assert changed.status_code == 200, changed.content
        log_in(email=ADDRESS, password=PASSWORD)
        log_in(email=ADDRESS, password="wrong")
        sign_up(email=ADDRESS, password=PASSWORD)
        post(f"{AUTH}/password/request", {"email": ADDRESS})
    finally:
        root.removeHandler(handler)
        root.setLevel(level)

    tables = dump()
    for session in Session.objects.all():
        tables[f"session {session.pk}"] = session.session_data.encode()
    assert len(tables) > 100
    assert Member.objects.filter(email_is(ADDRESS)).exists()
    for canary in (
        ADDRESS,
        "wang.jing.canary",
        "Canaria",
        "王静",
        "13800007788",
        "1990-02-28",
        PASSWORD,
    ):
        for place, kept in {**tables, "logs": heard.getvalue().encode()}.items():
            assert canary.lower().encode() not in kept.lower(), (
                f"{canary} is readable in {place}"
            )
