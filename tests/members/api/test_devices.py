from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from members.models import Member, Session, User
from members.queries import email_is
from members.services.freezing import move_member
from members.sessions import SessionStore, key_mark
from tests.cast import NOON
from tests.members.api.signing_in import ADDRESS, AUTH, PASSWORD, post

ME = "/api/storefront/v1/me"
DEVICES = f"{ME}/devices"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604"
)


def sign_in(agent=IPHONE, **headers):
    answer = post(
        f"{AUTH}/login",
        {"email": ADDRESS, "password": PASSWORD},
        **{"User-Agent": agent, **headers},
    )
    assert answer.status_code == 200, answer.content
    token = answer.json()["meta"]["session_token"]
    return token, APIClient(headers={"X-Session-Token": token})


def devices(client):
    return client.get(DEVICES).json()["data"]


def test_members_see_where_they_are_signed_in(jing, eve):
    _token, phone = sign_in()
    found = devices(phone)
    assert len(found) == 2
    assert [(d["device"], d["network"], d["current"]) for d in found] == [
        ("Safari, iPhone", "127.0.0.0/24", True),
        ("", "127.0.0.0/24", False),
    ]
    assert set(found[0]) == {
        *("id", "device", "network", "signed_in_at", "seen_at", "current")
    }
    assert len(devices(eve)) == 1


def test_one_device_is_signed_out(jing):
    _token, phone = sign_in()
    (old,) = [d for d in devices(phone) if not d["current"]]
    assert phone.delete(f"{DEVICES}/{old['id']}").status_code == 204
    assert jing.get(ME).status_code == 401
    assert phone.get(ME).status_code == 200
    assert phone.delete(f"{DEVICES}/{old['id']}").status_code == 404


def test_all_other_devices_are_signed_out(jing):
    others = [sign_in()[1] for _device in range(3)]
    assert jing.delete(DEVICES).status_code == 204
    assert jing.get(ME).status_code == 200
    assert {client.get(ME).status_code for client in others} == {401}


def test_the_device_of_somebody_else_is_not_there(jing, eve):
    (mine,) = devices(jing)
    answer = eve.delete(f"{DEVICES}/{mine['id']}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert jing.get(ME).status_code == 200


@pytest.mark.parametrize("method", ["get", "delete"])
def test_strangers_and_unknown_parameters_are_refused(jing, method):
    assert getattr(APIClient(), method)(DEVICES).status_code == 401
    answer = getattr(jing, method)(f"{DEVICES}?all=1")
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_parameter")
    assert jing.get(ME).status_code == 200


def test_a_browser_finds_itself(jing):
    browser = Client()
    body = {"email": ADDRESS, "password": PASSWORD}
    kind = "application/json"
    browser.post("/_allauth/browser/v1/auth/login", body, content_type=kind)
    assert [d["current"] for d in browser.get(DEVICES).json()["data"]] == [True, False]


# --- Fifteen properties of sessions --------------------------------------------


def test_01_the_table_holds_no_token(jing):
    token, _client = sign_in()
    assert Session.objects.filter(session_key=key_mark(token)).exists()
    assert not Session.objects.filter(session_key=token).exists()
    stored = Session.objects.get(session_key=key_mark(token)).session_key
    assert APIClient(headers={"X-Session-Token": stored}).get(ME).status_code == 401


def test_02_tokens_are_long_and_never_repeat(db):
    tokens = {SessionStore()._get_new_session_key() for _draw in range(500)}
    assert len(tokens) == 500
    assert min(map(len, tokens)) == 32


def test_03_a_given_session_is_not_taken_over(jing):
    """Fixation: the token changes when somebody signs in with it."""
    visitor = SessionStore()
    visitor["planted"] = "by Mallory"
    visitor.create()
    before = visitor.session_key
    answer = post(
        f"{AUTH}/login",
        {"email": ADDRESS, "password": PASSWORD},
        **{"X-Session-Token": before},
    )
    after = answer.json()["meta"]["session_token"]
    assert after != before
    assert APIClient(headers={"X-Session-Token": before}).get(ME).status_code == 401


def test_04_a_token_nobody_gave_opens_nothing_and_is_not_adopted(db):
    answer = post(f"{AUTH}/login", {}, **{"X-Session-Token": "a" * 32})
    assert answer.status_code == 410
    assert not Session.objects.exists()


def test_05_signing_out_ends_the_session_for_good(jing):
    token, client = sign_in()
    client.delete(f"{AUTH}/session")
    assert APIClient(headers={"X-Session-Token": token}).get(ME).status_code == 401
    assert not Session.objects.filter(session_key=key_mark(token)).exists()


def test_06_a_disabled_login_is_out_at_the_next_request(jing):
    User.objects.update(is_active=False)
    assert jing.get(ME).status_code == 401


def test_07_closing_the_membership_ends_all_sessions(jing, eve):
    member = Member.objects.get(email_is(ADDRESS))
    move_member(member_id=member.pk, to="closed", reason="asked", actor="t", now=NOON)
    assert jing.get(ME).status_code == 401
    assert not Session.objects.filter(user=member.user).exists()
    assert eve.get(ME).status_code == 200


def test_08_a_new_password_ends_the_other_sessions(jing):
    token, phone = sign_in()
    change = phone.post(
        "/_allauth/app/v1/account/password/change",
        {"current_password": PASSWORD, "new_password": "brand-new-horse-9"},
        format="json",
    )
    assert change.status_code == 200, change.content
    renewed = change.json()["meta"]["session_token"]
    assert renewed != token
    assert APIClient(headers={"X-Session-Token": renewed}).get(ME).status_code == 200
    assert jing.get(ME).status_code == phone.get(ME).status_code == 401
    assert Session.objects.count() == 1


def test_09_changing_the_password_needs_the_present_one(jing):
    answer = jing.post(
        "/_allauth/app/v1/account/password/change",
        {"current_password": "wrong", "new_password": "brand-new-horse-9"},
        format="json",
    )
    assert answer.status_code == 400
    assert jing.get(ME).status_code == 200


def aged(**ago):
    moments = {name: timezone.now() - age for name, age in ago.items()}
    Session.objects.update(**moments)


def test_10_a_session_nobody_uses_ends(jing):
    aged(expire_date=timedelta(seconds=1))
    assert jing.get(ME).status_code == 401


def test_11_use_moves_the_end_on(jing):
    Session.objects.update(expire_date=timezone.now() + timedelta(days=1))
    assert jing.get(ME).status_code == 200
    left = Session.objects.get().expire_date - timezone.now()
    assert left > timedelta(days=29)


def test_12_however_much_used_it_ends_after_half_a_year(jing):
    Session.objects.update(
        ends_at=timezone.now() + timedelta(days=2),
        expire_date=timezone.now() + timedelta(days=1),
    )
    assert jing.get(ME).status_code == 200
    row = Session.objects.get()
    assert row.expire_date == row.ends_at
    aged(ends_at=timedelta(seconds=1))
    assert jing.get(ME).status_code == 401


def test_13_staff_are_signed_out_sooner(db, settings):
    settings.STAFF_SESSION_IDLE = timedelta(minutes=15)
    User.objects.create_user("dana", password=PASSWORD, is_staff=True)
    client = Client()
    client.post("/admin/login/", {"username": "dana", "password": PASSWORD})
    row = Session.objects.get(user__username="dana")
    assert row.expire_date - timezone.now() <= timedelta(minutes=15)
    assert row.ends_at - row.created_at == timedelta(hours=12)
    aged(expire_date=timedelta(seconds=1))
    assert client.get("/admin/").status_code == 302


def test_14_a_cookie_alone_changes_nothing_without_csrf(jing):
    browser = Client(enforce_csrf_checks=True)
    session = SessionStore(jing.defaults["HTTP_X_SESSION_TOKEN"])
    browser.cookies["sessionid"] = session.session_key
    assert browser.get(ME).status_code == 200
    assert browser.delete(DEVICES).status_code == 403
    cookie = Client().get("/admin/login/").cookies.get("csrftoken")
    assert cookie["samesite"] == "Lax"


def test_15_a_dropped_key_signs_out_and_breaks_nothing(jing, settings):
    ring = settings.KEYRING
    settings.KEYRING = type(ring)(
        primary=9,
        keys={9: bytes(range(32))},
        index_primary=ring.index_primary,
        index_keys=ring.index_keys,
    )
    assert jing.get(ME).status_code == 401


def test_what_is_over_is_deleted(jing, eve):
    aged(expire_date=timedelta(seconds=1))
    SessionStore.clear_expired()
    assert not Session.objects.exists()
