import re
import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.urls import reverse

from crm.console.rules.roles import ROLES
from crm.console.rules.second_factor import SENSITIVE
from crm.shared import clock
from crm.shared.models import AuditEntry
from members.models import Session, User
from members.services.second_factors import (
    check_second_factor,
    new_secret,
    set_up_second_factor,
)
from tests.cast import NOON
from tests.console.shop import PASSWORD, logins
from tests.members.people import dump
from tests.staff import client_of

LOGIN = "/admin/login/"
STEP = "/admin/second-factor/"
#: Where the clock of authenticator apps stands still: no code turns over in a test.
AT = 1_800_000_000


@pytest.fixture(autouse=True)
def in_production(settings, monkeypatch):
    settings.STAFF_SECOND_FACTOR = True
    monkeypatch.setattr(
        "allauth.mfa.totp.internal.auth.time", SimpleNamespace(time=lambda: AT)
    )


@pytest.fixture
def users(db):
    return logins()


def password_step(client, username, next="/admin/"):
    return client.post(
        f"{LOGIN}?next={next}", {"username": username, "password": PASSWORD}
    )


def digits(secret):
    return format_hotp_value(hotp_value(secret, AT // 30))


def shown_secret(page):
    return re.search(r"<code>([A-Z2-7 ]+)</code>", page.content.decode())[1].replace(
        " ", ""
    )


def set_up(user):
    secret = new_secret()
    codes = set_up_second_factor(
        user_id=user.pk, secret=secret, code=digits(secret), now=NOON
    )
    assert codes
    return secret, codes


def test_every_right_on_the_list_exists_and_somebody_holds_it(users):
    for name in SENSITIVE:
        app, codename = name.split(".")
        assert Permission.objects.filter(
            content_type__app_label=app, codename=codename
        ).exists(), name


@pytest.mark.parametrize("role", ["admin", *ROLES, "nobody"])
def test_who_can_do_harm_needs_a_second_factor(users, role):
    harmful = {"admin", "support", "loyalty manager", "finance", "owner"}
    client = Client()
    answer = password_step(client, users[role].username)
    page = client.get(reverse("admin:index"))
    if role in harmful:
        assert answer.url == STEP
        assert (page.status_code, page.url) == (302, f"{LOGIN}?next=/admin/")
    else:
        assert answer.url == "/admin/"
        assert page.status_code == 200


def test_demo_shops_sign_in_with_one_step(users, settings):
    settings.STAFF_SECOND_FACTOR = False
    client = Client()
    assert password_step(client, "support").url == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_the_first_time_an_app_is_set_up_before_anything_opens(users):
    client = Client()
    password_step(client, "support", next="/admin/members/member/")
    page = client.get(STEP)
    assert b"<svg" in page.content
    secret = shown_secret(page)
    assert shown_secret(client.get(STEP)) == secret

    wrong = client.post(STEP, {"code": "000000"})
    assert wrong.status_code == 200
    assert not Authenticator.objects.exists()
    assert client.get("/admin/").status_code == 302

    done = client.post(STEP, {"code": digits(secret)})
    codes = re.findall(r"<li>(\d{20})</li>", done.content.decode())
    assert len(codes) == len(set(codes)) == 10
    assert 'href="/admin/members/member/"' in done.content.decode()
    assert client.get("/admin/members/member/").status_code == 200
    # Shown once: neither the page nor the secret comes back.
    assert client.get(STEP).status_code == 302
    entry = AuditEntry.objects.get(action="members.set_up_second_factor")
    assert entry.actor == "support"


def test_the_second_time_the_code_is_asked(users):
    secret, _codes = set_up(users["support"])
    client = Client()
    password_step(client, "support", next="/admin/members/member/")
    page = client.get(STEP)
    assert b"<svg" not in page.content
    assert client.post(STEP, {"code": "123456"}).status_code == 200
    assert client.get("/admin/").status_code == 302
    _forget_used_codes()
    answer = client.post(STEP, {"code": f"{digits(secret)[:3]} {digits(secret)[3:]}"})
    assert (answer.status_code, answer.url) == (302, "/admin/members/member/")
    assert client.get("/admin/").status_code == 200


def test_a_recovery_code_opens_once(users):
    _secret, codes = set_up(users["support"])
    for status in (302, 200):
        client = Client()
        password_step(client, "support")
        assert client.post(STEP, {"code": codes[0]}).status_code == status


def test_a_code_opens_one_session(users):
    secret, _codes = set_up(users["support"])
    _forget_used_codes()
    code = digits(secret)
    found = []
    for _session in range(2):
        client = Client()
        password_step(client, "support")
        found.append(client.post(STEP, {"code": code}).status_code)
    assert found == [302, 200]


def _forget_used_codes():
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM shared_cacheentry")


def test_the_second_step_without_the_first_leads_to_the_sign_in(users):
    assert Client().get(STEP).url.startswith(LOGIN)
    assert Client().post(STEP, {"code": "123456"}).url.startswith(LOGIN)


def test_between_the_steps_nobody_is_signed_in_anywhere(users):
    set_up(users["support"])
    client = Client()
    password_step(client, "support")
    assert not Session.objects.filter(user__isnull=False).exists()
    answer = client.get("/_allauth/browser/v1/account/authenticators")
    assert answer.status_code == 401
    assert client.get("/api/storefront/v1/me").status_code == 401


def test_a_password_that_changed_meanwhile_ends_the_sign_in(users):
    client = Client()
    password_step(client, "support")
    users["support"].set_password("another-horse-8")
    users["support"].save()
    assert client.get(STEP).status_code == 302


def test_a_login_that_was_disabled_meanwhile_does_not_come_in(users):
    secret, _codes = set_up(users["support"])
    _forget_used_codes()
    client = Client()
    password_step(client, "support")
    User.objects.filter(username="support").update(is_active=False)
    assert client.post(STEP, {"code": digits(secret)}).url.startswith(LOGIN)


def test_the_second_step_waits_ten_minutes(users, monkeypatch):
    client = Client()
    password_step(client, "support")
    later = clock.now() + timedelta(minutes=11)
    monkeypatch.setattr("crm.console.second_factor.now", lambda: later)
    assert client.get(STEP).url.startswith(LOGIN)


def test_whoever_gains_such_a_right_must_show_it_at_the_next_click(users):
    client = Client()
    password_step(client, "analyst")
    assert client.get("/admin/").status_code == 200
    users["analyst"].groups.add(Group.objects.get(name="finance"))
    assert client.get("/admin/").status_code == 302


def test_codes_are_guessed_five_times_and_no_more(users):
    set_up(users["support"])
    client = Client()
    password_step(client, "support")
    found = [client.post(STEP, {"code": "123456"}) for _guess in range(7)]
    assert [answer.status_code for answer in found] == [200] * 5 + [429] * 2
    assert found[-1]["Retry-After"]


def test_secrets_are_readable_nowhere(users):
    secret, codes = set_up(users["support"])
    client = Client()
    password_step(client, "support")
    client.get(STEP)
    fresh = Client()
    password_step(fresh, "owner")
    other = shown_secret(fresh.get(STEP))
    for place, kept in dump().items():
        for each in (secret, other, *codes):
            assert each.encode() not in kept, place


@pytest.mark.parametrize(
    "then", ["https://evil.example/", "//evil.example", "javascript:x"]
)
def test_the_way_on_stays_in_the_house(users, then):
    secret, _codes = set_up(users["support"])
    _forget_used_codes()
    client = Client()
    password_step(client, "support", next=then)
    assert client.post(STEP, {"code": digits(secret)}).url == "/admin/"


@pytest.mark.django_db(transaction=True)
def test_of_ten_who_use_one_recovery_code_at_once_one_comes_in():
    user = User.objects.create_user("dana", password=PASSWORD, is_staff=True)
    _secret, codes = set_up(user)
    found = []

    def attempt():
        try:
            found.append(check_second_factor(user_id=user.pk, code=codes[3]))
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [False] * 9 + [True]


# --- Logins of staff -------------------------------------------------------------


def signed_in_as(user):
    client = client_of(user)
    session = client.session
    session["console_second_factor"] = True
    session.save()
    return client


def change_login(client, user, **changes):
    url = reverse("admin:members_user_change", args=[user.pk])
    form = client.get(url).context["adminform"].form
    data = {name: form.initial.get(name) for name in form.fields}
    data["groups"] = [group.pk for group in user.groups.all()]
    data |= changes
    sent = {name: value for name, value in data.items() if value not in (None, False)}
    answer = client.post(url, sent)
    assert answer.status_code == 302, answer.context["adminform"].errors


def test_a_change_of_rights_signs_out(users):
    boss, lin = signed_in_as(users["admin"]), signed_in_as(users["support"])
    change_login(boss, users["support"], first_name="Lin")
    assert lin.get("/admin/").status_code == 200
    change_login(boss, users["support"], groups=[])
    assert not Session.objects.filter(user=users["support"]).exists()
    assert lin.get("/admin/").status_code == 302
    assert boss.get("/admin/").status_code == 200


def test_disabling_signs_out(users):
    boss, lin = signed_in_as(users["admin"]), signed_in_as(users["support"])
    change_login(boss, users["support"], is_active=False)
    assert lin.get("/admin/").status_code == 302
    assert not Session.objects.filter(user=users["support"]).exists()


def reset(client, *logins):
    return client.post(
        reverse("admin:members_user_changelist"),
        {
            "action": "reset_second_factor",
            "_selected_action": [login.pk for login in logins],
        },
    )


def test_another_one_of_staff_takes_a_lost_factor_off(users):
    set_up(users["support"])
    set_up(users["owner"])
    boss = signed_in_as(users["owner"])
    assert reset(boss, users["support"], users["owner"]).status_code == 302
    left = Authenticator.objects.values_list("user__username", flat=True)
    assert set(left) == {"owner"}  # nobody does it for themselves
    entry = AuditEntry.objects.get(action="members.reset_second_factor")
    assert (entry.actor, entry.object_id) == ("owner", str(users["support"].pk))


def test_nobody_takes_it_off_from_below(users):
    set_up(users["admin"])
    reset(signed_in_as(users["owner"]), users["admin"])
    assert Authenticator.objects.filter(user=users["admin"]).exists()


@pytest.mark.parametrize("role", ["auditor", "support", "marketer"])
def test_without_the_right_to_change_logins_nothing_happens(users, role):
    set_up(users["finance"])
    reset(signed_in_as(users[role]), users["finance"])
    assert Authenticator.objects.filter(user=users["finance"]).exists()


def test_staff_cannot_take_it_off_through_the_members_door(users):
    secret, _codes = set_up(users["support"])
    _forget_used_codes()
    client = Client()
    password_step(client, "support")
    assert client.post(STEP, {"code": digits(secret)}).status_code == 302
    base = "/_allauth/browser/v1"
    client.post(
        f"{base}/auth/reauthenticate",
        {"password": PASSWORD},
        content_type="application/json",
    )
    answer = client.delete(f"{base}/account/authenticators/totp")
    assert answer.status_code == 403
    assert Authenticator.objects.filter(user=users["support"], type="totp").exists()
