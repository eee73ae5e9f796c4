import json

import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.test import Client
from rest_framework.test import APIClient

from crm.shared.models import Fact
from members.models import Consent, ExternalIdentity, Member, User
from members.providers import outbound
from tests.cast import put_in_state
from tests.members.providers.servers import Person
from tests.members.providers.signing_in import (
    LINKED,
    MINI,
    OFFICIAL,
    OTHER_MINI,
    STOREFRONT,
    WEB,
    asked,
    bring,
    come_back,
    leave,
    session_of,
)

ME = "/api/storefront/v1/me"


@pytest.fixture
def zhang():
    return Person(
        {WEB: "oWeb", OFFICIAL: "oOfficial", MINI: "oMini", OTHER_MINI: "oOther"},
        unionid="uZhang",
        nickname="张三 🌸",
    )


def sign_in_by_redirect(server, person, *, provider="wechat", app=WEB):
    browser = Client()
    _parts, query = asked(leave(browser, provider))
    code = server.code(app, person)
    return browser, come_back(browser, "wechat", app, code=code, state=query["state"])


def names():
    rows = ExternalIdentity.objects.order_by("pk")
    return [(row.scope, row.subject) for row in rows]


# --- Joining and coming back --------------------------------------------------------


def test_a_stranger_joins_by_the_code_of_a_mini_program(db, wechat, zhang):
    answer = bring(wechat.code(MINI, zhang), MINI)

    assert answer.status_code == 200, answer.content
    member = Member.objects.get()
    assert (member.source, member.state, member.name) == (
        f"wechat:{MINI}",
        "active",
        None,
    )
    assert answer.json()["data"]["user"]["id"] == member.public_id
    me = APIClient(headers={"X-Session-Token": session_of(answer)}).get(ME)
    assert me.json()["number"] == member.number
    fact = Fact.objects.get()
    assert (fact.name, fact.payload) == (
        "members.MemberJoined",
        {"member_id": member.pk, "source": "wechat", "is_new": True},
    )
    assert not Consent.objects.exists()
    assert not member.user.has_usable_password()
    assert names() == [(MINI, "oMini"), ("union", "uZhang")]


def test_a_stranger_joins_by_a_code_on_a_web_page(db, wechat, zhang):
    browser, answer = sign_in_by_redirect(wechat, zhang)

    assert (answer.status_code, answer["Location"]) == (302, STOREFRONT)
    member = Member.objects.get()
    assert (member.name, member.source) == ("张三 🌸", f"wechat:{WEB}")
    assert browser.get(ME).json()["name"] == "张三 🌸"
    assert not SocialToken.objects.exists()


def test_an_official_account_asks_on_its_own_page(db, wechat, zhang):
    browser = Client()
    parts, query = asked(leave(browser, f"wechat-{OFFICIAL}"))
    assert (parts.path, parts.fragment, query["scope"], query["appid"]) == (
        "/connect/oauth2/authorize",
        "wechat_redirect",
        "snsapi_userinfo",
        OFFICIAL,
    )
    answer = come_back(
        browser,
        "wechat",
        OFFICIAL,
        code=wechat.code(OFFICIAL, zhang),
        state=query["state"],
    )
    assert answer["Location"] == STOREFRONT
    assert Member.objects.get().source == f"wechat:{OFFICIAL}"


def test_a_web_page_shows_the_qr_code_of_its_app(db, wechat):
    parts, query = asked(leave(Client(), "wechat"))
    assert (parts.path, parts.fragment) == ("/connect/qrconnect", "wechat_redirect")
    assert len(query.pop("state")) >= 16
    assert query == {
        "appid": WEB,
        "redirect_uri": f"http://testserver/accounts/wechat/{WEB}/callback/",
        "response_type": "code",
        "scope": "snsapi_login",
    }


def test_coming_back_is_the_same_member(db, wechat, zhang):
    for _again in range(3):
        assert bring(wechat.code(MINI, zhang), MINI).status_code == 200
    assert Member.objects.count() == User.objects.count() == 1
    assert Fact.objects.count() == 1
    assert names() == [(MINI, "oMini"), ("union", "uZhang")]


def test_one_person_in_three_apps_is_one_member(db, wechat, zhang):
    bring(wechat.code(MINI, zhang), MINI)
    sign_in_by_redirect(wechat, zhang)
    bring(wechat.code(OTHER_MINI, zhang), OTHER_MINI)

    assert Member.objects.count() == SocialAccount.objects.count() == 1
    assert names() == [
        (MINI, "oMini"),
        ("union", "uZhang"),
        (WEB, "oWeb"),
        (OTHER_MINI, "oOther"),
    ]


def test_a_late_unionid_is_added_to_who_was_known_by_openid(db, wechat, zhang):
    zhang.unionid = ""
    first = bring(wechat.code(MINI, zhang), MINI).json()["data"]["user"]["id"]
    assert names() == [(MINI, "oMini")]

    zhang.unionid = "uZhang"
    again = bring(wechat.code(MINI, zhang), MINI).json()["data"]["user"]["id"]
    elsewhere = bring(wechat.code(OTHER_MINI, zhang), OTHER_MINI)

    assert first == again == elsewhere.json()["data"]["user"]["id"]
    assert Member.objects.count() == 1


def test_two_members_who_turn_out_to_be_one_are_left_to_staff(db, wechat, zhang):
    zhang.unionid = ""
    bring(wechat.code(MINI, zhang), MINI)
    bring(wechat.code(OTHER_MINI, zhang), OTHER_MINI)
    assert Member.objects.count() == 2
    zhang.unionid = "uZhang"
    bring(wechat.code(MINI, zhang), MINI)
    before = names()

    answer = bring(wechat.code(OTHER_MINI, zhang), OTHER_MINI)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "identity_belongs_to_another"
    assert "session_token" not in answer.json().get("meta", {})
    assert names() == before


def test_people_with_like_openids_in_two_apps_are_two(db, wechat):
    bring(wechat.code(MINI, Person({MINI: "oSame"})), MINI)
    bring(wechat.code(OTHER_MINI, Person({OTHER_MINI: "oSame"})), OTHER_MINI)
    bring(wechat.code(MINI, Person({MINI: "OSAME"})), MINI)
    assert Member.objects.count() == 3


@pytest.mark.parametrize("state", ["closed", "erased"])
def test_an_ended_membership_does_not_come_in(db, wechat, zhang, state):
    bring(wechat.code(MINI, zhang), MINI)
    put_in_state(Member.objects.get(), state)

    answer = bring(wechat.code(MINI, zhang), MINI)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "membership_ended"
    assert "session_token" not in answer.json().get("meta", {})
    assert Member.objects.count() == 1


def test_a_frozen_member_comes_in(db, wechat, zhang):
    bring(wechat.code(MINI, zhang), MINI)
    Member.objects.update(state="frozen")
    assert bring(wechat.code(MINI, zhang), MINI).status_code == 200


# --- What WeChat refuses ------------------------------------------------------------


def refused(answer):
    assert answer.status_code == 400, answer.content
    assert not Member.objects.exists()
    assert not User.objects.exists()
    return {error["code"] for error in answer.json()["errors"]}


def test_a_code_is_good_once_in_time_and_for_its_app(db, wechat, zhang):
    assert refused(bring("nonsense", MINI)) == {"code_refused"}
    late = wechat.code(MINI, zhang, lives=-1)
    assert refused(bring(late, MINI)) == {"code_refused"}
    assert refused(bring(wechat.code(WEB, zhang), MINI)) == {"code_refused"}

    code = wechat.code(MINI, zhang)
    assert bring(code, MINI).status_code == 200
    again = bring(code, MINI)
    assert again.json()["errors"][0]["code"] == "code_refused"


@pytest.mark.parametrize(
    ("errcode", "code"),
    [
        (40029, "code_refused"),
        (40163, "code_refused"),
        (45011, "provider_busy"),
        (-1, "provider_busy"),
        (40125, "provider_failed"),
        (40164, "provider_failed"),
        (99999, "provider_failed"),
        ("1; DROP", "provider_failed"),
        (True, "provider_failed"),
    ],
)
def test_errors_of_wechat_have_our_words(db, wechat, zhang, errcode, code):
    wechat.errcode = errcode
    assert refused(bring(wechat.code(MINI, zhang), MINI)) == {code}


def test_a_wrong_secret_is_found_by_wechat(db, wechat, zhang, caplog):
    wechat.apps[MINI] = "another"
    assert refused(bring(wechat.code(MINI, zhang), MINI)) == {"provider_failed"}
    assert "errcode 40125" in caplog.text
    assert "secret-of" not in caplog.text


@pytest.mark.parametrize(
    "fault",
    [
        *("redirect", "broken", "html", "malformed", "list", "deep"),
        *("gbk", "huge", "compressed"),
    ],
)
def test_answers_that_are_none_let_nobody_in(db, wechat, zhang, fault):
    wechat.fault = fault
    assert refused(bring(wechat.code(MINI, zhang), MINI)) == {"provider_failed"}
    assert [path for path, _given in wechat.seen] == ["/sns/jscode2session"]


@pytest.mark.parametrize("fault", ["slow", "silent"])
def test_an_answer_that_takes_too_long_is_cut_off(
    db, wechat, zhang, fault, monkeypatch
):
    monkeypatch.setattr(outbound, "DEADLINE_SECONDS", 0.4)
    wechat.fault = fault
    assert refused(bring(wechat.code(MINI, zhang), MINI)) == {"provider_failed"}


def test_a_server_that_is_gone_lets_nobody_in(db, wechat, zhang, settings):
    providers = settings.SOCIALACCOUNT_PROVIDERS
    settings.SOCIALACCOUNT_PROVIDERS = {
        **providers,
        "wechat": {**providers["wechat"], "API": "http://127.0.0.1:9"},
    }
    assert refused(bring("code", MINI)) == {"provider_failed"}


@pytest.mark.parametrize(
    "openid", ["", "a b", "a\x00", "x" * 129, None, 7, ["x"], "张"]
)
def test_an_openid_that_cannot_be_one_lets_nobody_in(db, wechat, openid):
    person = Person({MINI: openid})
    assert refused(bring(wechat.code(MINI, person), MINI)) == {"provider_failed"}


def test_the_profile_must_be_of_who_gave_the_code(db, wechat, zhang):
    wechat.fault = "other"
    _browser, answer = sign_in_by_redirect(wechat, zhang)
    assert "error=provider_failed" in answer["Location"]
    assert not Member.objects.exists()


@pytest.mark.parametrize(
    ("nickname", "name"),
    [
        ("O'Neil <b>", "O'Neil <b>"),
        ("a\x00b\n c", "a b c"),
        ("\ud83d half", "half"),
        ("x" * 300, "x" * 120),
        ("   ", None),
        (None, None),
        (7, None),
    ],
)
def test_any_nickname_makes_a_name_or_none(db, wechat, zhang, nickname, name):
    zhang.nickname = nickname
    if nickname == "\ud83d half":
        # UTF-8 cannot carry it, an escape in ASCII can.
        wechat.answer = lambda path, given: json.dumps(wechat.checked(path, given))
    _browser, answer = sign_in_by_redirect(wechat, zhang)
    assert answer["Location"] == STOREFRONT
    assert Member.objects.get().name == name


# --- What we refuse -----------------------------------------------------------------


@pytest.mark.parametrize(
    "token",
    [
        {"client_id": "unknown", "access_token": "x"},
        {"client_id": MINI, "access_token": ""},
        {"client_id": MINI, "access_token": "x" * 257},
        {"client_id": MINI, "access_token": ["x"]},
        {"client_id": MINI, "id_token": "x"},
        {"client_id": WEB, "access_token": "x"},
        {"access_token": "x"},
        {},
    ],
)
def test_a_token_that_cannot_be_one_is_not_even_asked_about(db, wechat, token):
    answer = Client().post(
        "/_allauth/app/v1/auth/provider/token",
        {"provider": "wechat", "process": "login", "token": token},
        content_type="application/json",
    )
    assert answer.status_code == 400, answer.content
    assert wechat.seen == []


def test_guessing_codes_is_slowed_down(db, wechat):
    answers = [bring(f"guess-{n}", MINI) for n in range(31)]
    codes = [answer.json()["errors"][0]["code"] for answer in answers]
    assert codes == ["code_refused"] * 30 + ["too_many_login_attempts"]
    assert len(wechat.seen) == 30


@pytest.mark.parametrize("state", [None, "", "guessed", "x" * 3000])
def test_coming_back_without_the_state_of_ones_own_browser_is_refused(
    db, wechat, zhang, state
):
    theirs = Client()
    _parts, query = asked(leave(theirs, "wechat"))
    given = {"code": wechat.code(WEB, zhang)} | ({"state": state} if state else {})

    answer = come_back(theirs, "wechat", WEB, **given)
    forged = come_back(
        Client(), "wechat", WEB, code=given["code"], state=query["state"]
    )

    for one in (answer, forged):
        assert one.status_code == 302
        assert one["Location"].startswith("http://localhost:8000/sign-in?error=")
    assert not Member.objects.exists()
    assert wechat.seen == []


def test_a_state_is_good_once_and_for_its_app(db, wechat, zhang):
    browser = Client()
    _parts, query = asked(leave(browser, "wechat"))
    code = wechat.code(OFFICIAL, zhang)
    wrong = come_back(browser, "wechat", OFFICIAL, code=code, state=query["state"])
    assert "error=" in wrong["Location"]
    good = come_back(
        browser, "wechat", WEB, code=wechat.code(WEB, zhang), state=query["state"]
    )
    assert good["Location"] == STOREFRONT
    again = come_back(
        browser, "wechat", WEB, code=wechat.code(WEB, zhang), state=query["state"]
    )
    assert "error=" in again["Location"]


def test_who_says_no_goes_back_to_the_storefront(db, wechat):
    browser = Client()
    _parts, query = asked(leave(browser, "wechat"))
    answer = come_back(browser, "wechat", WEB, state=query["state"])
    assert answer["Location"] == f"{STOREFRONT}?error=cancelled&error_process=login"
    assert not Member.objects.exists()


def test_browsers_go_nowhere_but_to_known_apps_and_back(db, wechat):
    assert (
        "pages" not in leave(Client(), "wechat", to="https://evil.example")["Location"]
    )
    assert "pages" not in leave(Client(), "nobody")["Location"]
    assert come_back(Client(), "wechat", "unknown", code="x").status_code == 404
    assert come_back(Client(), "qq", WEB, code="x").status_code == 404
    assert Client().post(f"/accounts/wechat/{WEB}/callback/").status_code == 405


# --- Linking ------------------------------------------------------------------------


@pytest.fixture
def session(db, wechat):
    """Return the session of a member who came by another WeChat."""
    return session_of(bring(wechat.code(MINI, Person({MINI: "oMei"}, "uMei")), MINI))


def test_a_member_links_a_second_identity_and_unlinks_it(wechat, zhang, session):
    linked = bring(wechat.code(MINI, zhang), MINI, process="connect", session=session)
    assert linked.status_code == 200, linked.content
    assert Member.objects.count() == 1
    assert SocialAccount.objects.count() == 2
    assert (MINI, "oMini") in names()

    listed = APIClient(headers={"X-Session-Token": session}).get(LINKED).json()["data"]
    assert [one["display"] for one in listed] == ["WeChat", "WeChat"]
    assert "uZhang" not in str(listed)


def test_an_identity_of_somebody_else_cannot_be_linked(wechat, zhang, session):
    bring(wechat.code(OTHER_MINI, zhang), OTHER_MINI)
    before = names()
    answer = bring(wechat.code(MINI, zhang), MINI, process="connect", session=session)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "identity_belongs_to_another"
    assert names() == before


def test_the_last_way_in_cannot_be_unlinked(session):
    account = SocialAccount.objects.get()
    answer = APIClient(headers={"X-Session-Token": session}).delete(
        LINKED, {"provider": "wechat", "account": account.uid}, format="json"
    )
    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"][0]["code"] == "no_password"
    assert SocialAccount.objects.get() == account
    assert len(names()) == 2


def test_strangers_cannot_link(db, wechat, zhang):
    answer = bring(wechat.code(MINI, zhang), MINI, process="connect")
    assert answer.status_code in {401, 403}, answer.content
    assert not Member.objects.exists()
