"""The pages behind links in mails: read by anybody, changed by a button only."""

import re
from datetime import timedelta

import pytest
from django.core import signing
from django.test import Client

from crm.shared.models import AuditEntry
from members.links import (
    PREFERENCES_FOR,
    preferences_url,
    read_preferences,
    read_unsubscribe,
    unsubscribe_url,
)
from members.models import Consent, ConsentRequest
from members.queries import has_consent
from members.services.confirming import issue_token
from members.services.consenting import Statement, record_consents
from tests.cast import NOON, allow, make_member, publish, put_in_state

HOST = "http://127.0.0.1:8000"
EMAIL = "carol.canary@example.com"


@pytest.fixture
def carol(db):
    """Return a member who allowed offers by e-mail."""
    publish()
    publish(language="zh-hans", body="可以给您发优惠吗？")
    publish(purpose="profiling", body="May we guess what you like?")
    member = make_member(9, name="Carol Canary", email=EMAIL, language="en")
    allow(member, "email")
    return member


def path(url):
    assert url.startswith(f"{HOST}/m/")
    return url.removeprefix(HOST)


def unsubscribe_path(member, channel="email"):
    return path(
        unsubscribe_url(member=member.public_id, purpose="marketing", channel=channel)
    )


def allows(member, channel="email", purpose="marketing"):
    return has_consent(member_id=member.pk, purpose=purpose, channel=channel)


def browser():
    """Return a client that is refused whatever lacks a CSRF token, as browsers are."""
    return Client(enforce_csrf_checks=True)


# --- Unsubscribing ------------------------------------------------------------


def test_looking_changes_nothing(carol):
    for method in ("get", "head", "options"):
        answer = getattr(browser(), method)(unsubscribe_path(carol))
        assert answer.status_code == 200
    assert Consent.objects.count() == 1
    assert "<button" in browser().get(unsubscribe_path(carol)).content.decode()


def test_a_mail_program_unsubscribes_at_one_click(carol):
    """RFC 8058: POST without cookies, with this body, as often as it likes."""
    for _again in range(2):
        answer = browser().post(
            unsubscribe_path(carol), {"List-Unsubscribe": "One-Click"}
        )
        assert answer.status_code == 200
    assert not allows(carol)
    row = Consent.objects.latest("id")
    assert (row.source, row.granted, row.text_version) == ("one-click", False, "test")
    assert row.network == "127.0.0.0/24"
    assert Consent.objects.count() == 2


def test_a_person_unsubscribes_with_the_button(carol):
    answer = browser().post(unsubscribe_path(carol))
    assert "no more offers" in answer.content.decode()
    assert Consent.objects.latest("id").source == "unsubscribe page"
    assert not allows(carol)


def test_the_link_works_for_ever(carol, monkeypatch):
    link = unsubscribe_path(carol)
    ten_years = signing.time.time() + 10 * 365 * 86400
    monkeypatch.setattr(signing.time, "time", lambda: ten_years)
    carol.state = "closed"
    carol.save()
    assert browser().post(link).status_code == 200
    assert not allows(carol)


def test_the_link_outlives_a_change_of_the_secret_key(carol, settings):
    link = unsubscribe_path(carol)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    assert browser().post(link).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert browser().post(link).status_code == 404


def test_any_other_letter_opens_nothing(carol):
    link = unsubscribe_path(carol)
    token = link.rpartition("/")[2]
    for at in range(len(token)):
        other = "A" if token[at] != "A" else "B"
        spoilt = token[:at] + other + token[at + 1 :]
        assert browser().post(f"/m/unsubscribe/{spoilt}").status_code == 404
    assert browser().post(f"/m/unsubscribe/{token * 5}").status_code == 404
    assert allows(carol)


def test_a_link_for_one_thing_does_not_do_another(carol):
    token = unsubscribe_path(carol).rpartition("/")[2]
    assert browser().get(f"/m/preferences/{token}").status_code == 404
    token = path(preferences_url(member=carol.public_id)).rpartition("/")[2]
    assert browser().post(f"/m/unsubscribe/{token}").status_code == 404


def test_links_name_nobody(carol):
    assert read_unsubscribe(unsubscribe_path(carol).rpartition("/")[2]).member == (
        carol.public_id
    )
    for link in (unsubscribe_path(carol), preferences_url(member=carol.public_id)):
        for personal in (EMAIL, "Carol", carol.number):
            assert personal not in link


# --- Preferences --------------------------------------------------------------


def preferences(member):
    return path(preferences_url(member=member.public_id))


def boxes(html):
    return {
        re.search(r'name="([^"]+)"', box)[1]: " checked" in box
        for box in re.findall(r"<input type=.checkbox[^>]*>", html)
    }


def test_the_page_shows_how_things_stand(carol):
    answer = browser().get(preferences(carol))
    html = answer.content.decode()
    assert boxes(html) == {
        "marketing.email": True,
        "marketing.sms": False,
        "profiling.any": False,
    }
    assert "May we send you offers?" in html
    assert "May we guess what you like?" in html
    for personal in (EMAIL, "Carol", carol.number):
        assert personal not in html
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]


def test_saving_writes_what_changed_and_no_more(carol):
    for _again in range(2):
        answer = browser().post(
            preferences(carol), {"marketing.sms": "on", "profiling.any": "on"}
        )
        assert answer.status_code == 200
    assert (allows(carol), allows(carol, "sms")) == (False, True)
    assert allows(carol, "any", "profiling")
    rows = Consent.objects.filter(source="preference page").order_by("id")
    assert [(r.purpose, r.channel, r.granted, r.text_version) for r in rows] == [
        ("marketing", "email", False, "test"),
        ("marketing", "sms", True, "2026-11"),
        ("profiling", "any", True, "2026-11"),
    ]
    assert all(row.request_id.startswith("req_") for row in rows)
    assert not AuditEntry.objects.exists()


def test_the_page_speaks_the_language_of_its_reader(carol):
    html = browser().get(preferences(carol), headers={"Accept-Language": "zh-Hans"})
    assert '<html lang="zh-hans">' in html.content.decode()
    assert "可以给您发优惠吗？" in html.content.decode()


def test_what_was_never_published_is_not_asked(db):
    member = make_member(9)
    answer = browser().get(preferences(member))
    assert boxes(answer.content.decode()) == {}
    browser().post(preferences(member), {"marketing.email": "on"})
    assert not Consent.objects.exists()


def test_a_yes_waits_where_the_shop_asks_twice(carol, settings):
    settings.DOUBLE_OPT_IN = frozenset({"sms"})
    html = browser().post(
        preferences(carol), {"marketing.email": "on", "marketing.sms": "on"}
    )
    assert "once you follow it" in html.content.decode()
    assert not allows(carol, "sms")
    assert ConsentRequest.objects.get().channel == "sms"
    browser().post(preferences(carol), {"marketing.email": "on"})
    assert not ConsentRequest.objects.exists()


def test_a_preference_link_grows_old(carol, monkeypatch):
    link = preferences(carol)
    later = signing.time.time() + (PREFERENCES_FOR + timedelta(days=1)).total_seconds()
    assert read_preferences(link.rpartition("/")[2]) == carol.public_id
    monkeypatch.setattr(signing.time, "time", lambda: later)
    assert browser().get(link).status_code == 404


@pytest.mark.parametrize("state", ["closed", "erased"])
def test_who_left_has_no_preferences(carol, state):
    put_in_state(carol, state)
    assert browser().post(preferences(carol)).status_code == 404
    assert Consent.objects.count() == 1


# --- Confirming ---------------------------------------------------------------


def test_confirming_takes_a_button(carol, settings, monkeypatch):
    settings.DOUBLE_OPT_IN = frozenset({"email"})
    monkeypatch.setattr("members.pages.views.now", lambda: NOON)
    record_consents(
        member_id=carol.pk,
        statements=[Statement("marketing", "email", granted=True)],
        text_version="2026-11",
        language="en",
        source="storefront",
        now=NOON,
    )
    token = issue_token(request_id=ConsentRequest.objects.get().pk)
    link = f"/m/consents/{token}"
    html = browser().get(link).content.decode()
    assert "May we send you offers?" in html
    assert "<button" in html
    assert Consent.objects.count() == 1

    html = browser().post(link).content.decode()
    assert "Thank you" in html
    row = Consent.objects.latest("id")
    assert (row.granted, row.text_version) == (True, "2026-11")
    assert "<button" not in browser().get(link).content.decode()
    assert browser().post(f"{link}x").status_code == 404
