"""Passkeys through the real doors, with an authenticator in software."""

from types import SimpleNamespace

import pytest
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.cache import cache
from django.test import Client

from crm.shared.models import AuditEntry
from members.models import Erasure, Member, Session, User
from members.rules.passkeys import MOST_PASSKEYS
from members.services.erasing import ask_to_be_forgotten, carry_out, start_due_erasures
from members.services.freezing import move_member
from members.services.passkeys import count_use, rename_passkey
from members.services.second_factors import renew_second_factors
from tests.cast import NOON
from tests.members.api.conftest import client_of
from tests.members.api.passkeys import SoftPasskey
from tests.members.api.signing_in import ADDRESS, AUTH, PASSWORD, sign_up
from tests.members.people import dump, later
from tests.members.services.test_second_factors import turn_over

ME = "/api/storefront/v1/me"
ALL = "/_allauth/app/v1/account/authenticators"
PASSKEYS = f"{ALL}/webauthn"
LOGIN = f"{AUTH}/webauthn/login"
SECOND = f"{AUTH}/webauthn/authenticate"
AGAIN = f"{AUTH}/webauthn/reauthenticate"
NAME = "王静的 iPhone"


class App:
    """One app with one session token, as ``codes.Visitor`` is one."""

    def __init__(self, token=""):
        self.token = token

    def call(self, method, path, body=None):
        headers = {"X-Session-Token": self.token} if self.token else {}
        kind = {} if method == "get" else {"content_type": "application/json"}
        answer = getattr(Client(), method)(path, body, headers=headers, **kind)
        meta = answer.json().get("meta", {})
        self.token = meta.get("session_token") or self.token
        return answer

    def challenge(self, path=LOGIN):
        answer = self.call("get", path)
        assert answer.status_code == 200, answer.content
        return answer.json()["data"]["request_options"]

    def answer(self, credential, path=LOGIN):
        return self.call("post", path, {"credential": credential})

    def sign_in(self, passkey, **lies):
        return self.answer(passkey.sign(self.challenge(), **lies))

    def creation_options(self):
        answer = self.call("get", f"{PASSKEYS}?passwordless")
        assert answer.status_code == 200, answer.content
        return answer.json()["data"]["creation_options"]

    def add(self, passkey, name=NAME, **lies):
        credential = passkey.register(self.creation_options(), **lies)
        return self.call("post", PASSKEYS, {"name": name, "credential": credential})

    def with_password(self):
        body = {"email": ADDRESS, "password": PASSWORD}
        return self.call("post", f"{AUTH}/login", body)


def joined(email):
    """Return the app of a member whose address was proved."""
    answer = sign_up(email=email, password=PASSWORD)
    user = User.objects.get(member__public_id=answer.json()["data"]["user"]["id"])
    user.emailaddress_set.update(verified=True)
    app = App(answer.json()["meta"]["session_token"])
    assert app.call("get", PASSKEYS).status_code == 401  # they may have walked off
    app.call("post", f"{AUTH}/reauthenticate", {"password": PASSWORD})
    return app


@pytest.fixture
def phone(db):
    return joined(ADDRESS)


@pytest.fixture
def passkey(phone):
    passkey = SoftPasskey()
    answer = phone.add(passkey)
    assert answer.status_code == 200, answer.content
    return passkey


def kept():
    return Authenticator.objects.filter(type="webauthn")


def nobody_new_came_in(before=1):
    return Session.objects.filter(user__isnull=False).count() == before


# --- Adding, listing, renaming, removing ----------------------------------------


def test_a_passkey_is_added_listed_renamed_and_removed(phone, passkey):
    assert client_of_app(phone).get(f"{ME}/identities").json()["passkeys"] == 1
    listed = phone.call("get", ALL).json()["data"]
    assert [each["type"] for each in listed] == ["webauthn", "recovery_codes"]
    shown = listed[0]
    assert (shown["name"], shown["is_passwordless"]) == (NAME, True)

    body = {"id": shown["id"], "name": "  Laptop  "}
    renamed = phone.call("put", PASSKEYS, body)
    assert (renamed.status_code, renamed.json()["data"]["name"]) == (200, "Laptop")
    assert phone.call("get", ALL).json()["data"][0]["name"] == "Laptop"

    gone = phone.call("delete", PASSKEYS, {"authenticators": [shown["id"]]})
    assert gone.status_code == 200, gone.content
    assert not Authenticator.objects.exists()
    assert App().sign_in(passkey).status_code == 400
    assert nobody_new_came_in()


def client_of_app(app):
    return client_of(
        SimpleNamespace(json=lambda: {"meta": {"session_token": app.token}})
    )


@pytest.mark.parametrize(
    "lies",
    [
        {"challenge": "A" * 43},
        {"origin": "https://testserver.example.com"},
        {"origin": "http://testserver"},
        {"rp_id": "example.com"},
        {"kind": "webauthn.get"},
        {"flags": 0x01},  # nobody typed a PIN or showed a face
        {"flags": 0x04},  # nobody was there
    ],
)
def test_a_passkey_that_lies_is_not_added(phone, lies):
    answer = phone.add(SoftPasskey(), **lies)
    assert answer.status_code == 400, answer.content
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("name", ["x" * 41, "a\x01b"])
def test_a_bad_name_keeps_nothing(phone, name):
    assert phone.add(SoftPasskey(), name=name).status_code == 400
    assert not Authenticator.objects.exists()


def test_without_a_name_it_gets_one(phone):
    assert phone.add(SoftPasskey(), name="").json()["data"]["name"] == "Master key"


def test_an_answer_registers_once(phone):
    passkey = SoftPasskey()
    options = phone.creation_options()
    body = {"credential": passkey.register(options)}
    found = [phone.call("post", PASSKEYS, body).status_code for _n in range(2)]
    assert found == [200, 400]
    assert kept().count() == 1


def test_the_same_passkey_is_not_added_twice(phone, passkey):
    answer = phone.add(passkey)
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["code"] == "passkey_known"
    assert kept().count() == 1


def test_passkeys_of_a_login_are_counted(phone, passkey):
    row = kept().get()
    for _n in range(MOST_PASSKEYS - 1):
        Authenticator.objects.create(user=row.user, type="webauthn", data=row.data)
    answer = phone.add(SoftPasskey())
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["code"] == "too_many_passkeys"
    assert kept().count() == MOST_PASSKEYS


def test_nobody_touches_the_passkey_of_somebody_else(phone, passkey):
    eve, row = joined("eve@example.com"), kept().get()
    taken = eve.call("put", PASSKEYS, {"id": row.pk, "name": "Mine"})
    removed = eve.call("delete", PASSKEYS, {"authenticators": [row.pk]})
    assert (taken.status_code, removed.status_code) == (400, 400)
    assert kept().get().data == row.data
    with pytest.raises(Authenticator.DoesNotExist):
        rename_passkey(user_id=row.user_id + 1, passkey_id=row.pk, name="Mine")


@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
def test_without_signing_in_nothing_opens(db, method):
    assert App().call(method, PASSKEYS, {}).status_code in {400, 401}
    assert App().call("get", ALL).status_code == 401


def test_what_an_app_adds_to_a_credential_is_not_kept(phone):
    options = phone.creation_options()
    credential = SoftPasskey().register(options) | {"diary": "Dear diary"}
    credential["response"]["transports"] = ["Dear diary"]
    answer = phone.call("post", PASSKEYS, {"credential": credential})
    assert answer.status_code == 200, answer.content
    assert "diary" not in str(kept().get().data)


def test_what_a_member_calls_it_is_readable_nowhere(phone, passkey):
    cut = NAME.encode("unicode_escape").split(b" ")[0]
    for place, text in dump().items():
        assert "王静的".encode() not in text, place
        assert cut not in text, place
    sealed = kept().get().data["name"]
    assert renew_second_factors() == 0
    assert kept().get().data["name"] == sealed


def test_a_new_key_seals_the_name_anew(phone, passkey, settings):
    old = kept().get().data["name"]
    settings.KEYRING = turn_over(settings.KEYRING)
    assert renew_second_factors() == 2  # the passkey and its recovery codes
    assert kept().get().data["name"] != old
    assert phone.call("get", ALL).json()["data"][0]["name"] == NAME


# --- Signing in -----------------------------------------------------------------


def test_a_passkey_signs_in_without_a_password(phone, passkey):
    app = App()
    answer = app.sign_in(passkey)
    assert answer.status_code == 200, answer.content
    assert answer.json()["data"]["user"]["email"] == ADDRESS
    assert client_of_app(app).get(ME).json()["email"] == ADDRESS
    row = kept().get()
    assert (row.data["counter"], row.last_used_at is not None) == (1, True)


def test_after_a_password_it_is_the_second_factor(phone, passkey):
    app = App()
    asked = app.with_password()
    assert asked.status_code == 401
    flows = {each["id"]: each for each in asked.json()["data"]["flows"]}
    assert set(flows["mfa_authenticate"]["types"]) == {"webauthn", "recovery_codes"}
    assert client_of_app(app).get(ME).status_code == 401
    options = app.challenge(SECOND)
    allowed = options["publicKey"]["allowCredentials"]
    assert [each["id"] for each in allowed] == [passkey.sign(options)["id"]]
    done = app.answer(passkey.sign(options), SECOND)
    assert done.status_code == 200, done.content
    assert client_of_app(app).get(ME).status_code == 200


def test_it_proves_once_more_who_is_there(phone, passkey):
    found = [
        phone.answer(passkey.sign(phone.challenge(AGAIN), **lies), AGAIN).status_code
        for lies in ({}, {"counter": 1}, {"key": other_key()})
    ]
    assert found == [200, 400, 400]


def other_key():
    return ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize("path", [LOGIN, SECOND])
@pytest.mark.parametrize(
    "lies",
    [
        {"challenge": "A" * 43},
        {"origin": "https://evil.example.com"},
        {"origin": "https://testserver.example.com"},
        {"origin": "http://testserver"},
        {"rp_id": "example.com"},
        {"kind": "webauthn.create"},
        {"key": other_key()},
        {"flags": 0x04},
    ],
)
def test_an_answer_that_lies_lets_nobody_in(phone, passkey, path, lies):
    app = App()
    if path == SECOND:
        app.with_password()
    answer = app.answer(passkey.sign(app.challenge(path), **lies), path)
    assert answer.status_code == 400, answer.content
    assert nobody_new_came_in()
    assert client_of_app(app).get(ME).status_code == 401
    assert "counter" not in kept().get().data


def test_without_pin_or_face_it_is_no_way_in_alone(phone, passkey):
    assert App().sign_in(passkey, flags=0x01).status_code == 400
    assert nobody_new_came_in()


@pytest.mark.parametrize("path", [LOGIN, SECOND])
def test_an_answer_is_good_once(phone, passkey, path):
    first = App()
    if path == SECOND:
        first.with_password()
    credential = passkey.sign(first.challenge(path))
    assert first.answer(credential, path).status_code == 200
    second = App()
    if path == SECOND:
        second.with_password()
    second.challenge(path)  # another challenge
    assert second.answer(credential, path).status_code == 400
    assert App().answer(credential, LOGIN).status_code == 400  # none at all
    assert nobody_new_came_in(before=2)


def test_one_cannot_be_somebody_else_with_a_passkey_of_ones_own(phone, passkey):
    eve, own = joined("eve@example.com"), SoftPasskey()
    assert eve.add(own, name="Eve").status_code == 200
    jing = Member.objects.get(user__authenticator__data__credential__id=passkey.name)
    assert App().sign_in(own, user_handle=passkey.user_handle).status_code == 400
    app = App()
    app.with_password()
    assert app.answer(own.sign(app.challenge(SECOND)), SECOND).status_code == 400
    assert nobody_new_came_in(before=2)
    assert App().sign_in(own).json()["data"]["user"]["id"] != jing.public_id


@pytest.mark.parametrize("handle", [b"", b"999999", b"x", b"\xff", b"1" * 4000])
def test_a_handle_of_nobody_lets_nobody_in(phone, passkey, handle):
    assert App().sign_in(passkey, user_handle=handle).status_code == 400
    assert nobody_new_came_in()


# --- Copies ---------------------------------------------------------------------


@pytest.mark.parametrize("shown", [0, 1, 2])
def test_a_counter_that_does_not_go_on_lets_nobody_in(phone, passkey, shown):
    for _n in range(2):
        assert App().sign_in(passkey).status_code == 200
    assert App().sign_in(passkey, counter=shown).status_code == 400
    assert nobody_new_came_in(before=3)
    assert kept().get().data["counter"] == 2
    entry = AuditEntry.objects.get(action="members.passkey_counted_back")
    assert entry.detail == {"kept": 2, "shown": shown}
    assert App().sign_in(passkey, counter=9).status_code == 200


def test_the_counter_begins_where_the_passkey_was_added(phone):
    passkey = SoftPasskey(counter=41)
    assert phone.add(passkey).status_code == 200
    assert App().sign_in(passkey, counter=41).status_code == 400
    assert App().sign_in(passkey).status_code == 200


def test_a_passkey_that_does_not_count_comes_in_again_and_again(phone):
    passkey = SoftPasskey(counter=None)
    assert phone.add(passkey).status_code == 200
    assert [App().sign_in(passkey).status_code for _n in range(3)] == [200] * 3
    assert not AuditEntry.objects.filter(action__contains="passkey").exists()


def test_a_new_name_does_not_turn_the_counter_back(phone, passkey):
    row = kept().get()
    assert count_use(passkey_id=row.pk, shown=7, now=NOON)
    rename_passkey(user_id=row.user_id, passkey_id=row.pk, name="Laptop")
    assert not count_use(passkey_id=row.pk, shown=7, now=NOON)


# --- The end --------------------------------------------------------------------


def test_a_closed_membership_does_not_come_in_by_passkey(phone, passkey):
    member = Member.objects.get()
    move_member(member_id=member.pk, to="closed", reason="asked", actor=None, now=NOON)
    assert App().sign_in(passkey).status_code in {401, 403}
    assert not Session.objects.filter(user__isnull=False).exists()


def test_erased_with_the_member(phone, passkey):
    member = Member.objects.get()
    erasure = ask_to_be_forgotten(member_id=member.pk, confirm=member.number, now=NOON)
    start_due_erasures(now=later(days=8))
    carry_out(public_id=erasure.public_id, now=later(days=8))
    assert Erasure.objects.get().state == Erasure.State.DONE
    assert not Authenticator.objects.exists()
    assert App().sign_in(passkey).status_code == 400
    assert not Session.objects.filter(user__isnull=False).exists()


def test_a_login_switched_off_does_not_come_in_by_passkey(phone, passkey):
    User.objects.update(is_active=False)
    assert App().sign_in(passkey).status_code in {400, 401, 403}
    assert (
        not Session.objects.filter(user__isnull=False)
        .exclude(user__is_active=False)
        .exists()
    )
    assert nobody_new_came_in()


# --- Domains --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "origin", "status"),
    [
        ("shop.example", "https://www.shop.example", 200),
        ("shop.example", "https://shop.example", 200),
        ("shop.example", "https://testserver", 400),
        ("shop.example", "https://myshop.example", 400),
        ("shop.example", "https://shop.example.evil.example", 400),
    ],
)
def test_a_shop_names_the_domain_its_pages_share(
    phone, settings, domain, origin, status
):
    settings.PASSKEY_DOMAIN = domain
    assert phone.add(SoftPasskey(), origin=origin).status_code == status


def test_staff_do_not_reach_the_console_with_a_passkey(phone, passkey, settings):
    """What the console asks for is an app; a passkey of a member opens no pages."""
    settings.STAFF_SECOND_FACTOR = True
    User.objects.update(is_staff=True, is_superuser=True)
    cache.clear()
    browser = Client()
    base = LOGIN.replace("/app/", "/browser/")
    options = browser.get(base).json()["data"]["request_options"]
    done = browser.post(
        base, {"credential": passkey.sign(options)}, content_type="application/json"
    )
    assert done.status_code == 200, done.content
    assert browser.get("/admin/").status_code == 302
