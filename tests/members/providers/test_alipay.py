import base64

import pytest
from allauth.socialaccount.models import SocialToken
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from members.models import ExternalIdentity, Member, User
from members.providers.rsa2 import is_signed, private_key_of, public_key_of, sign
from tests.members.providers.servers import Person, make_key, private_pem, public_pem
from tests.members.providers.signing_in import (
    ALIPAY_MINI,
    ALIPAY_WEB,
    STOREFRONT,
    asked,
    bring,
    come_back,
    leave,
)


@pytest.fixture
def li():
    return Person(
        {ALIPAY_WEB: "openWeb", ALIPAY_MINI: "openMini"},
        user_id="2088102150477652",
        nickname="李四 & 家",
    )


def by_code(server, person, app=ALIPAY_MINI):
    return bring(server.code(app, person), app, provider="alipay")


def by_browser(server, person):
    browser = Client()
    _parts, query = asked(leave(browser, "alipay"))
    code = server.code(ALIPAY_WEB, person)
    return come_back(
        browser, "alipay", ALIPAY_WEB, auth_code=code, state=query["state"]
    )


def names():
    rows = ExternalIdentity.objects.order_by("pk")
    return [(row.provider, row.scope, row.subject) for row in rows]


def refused(answer):
    assert answer.status_code == 400, answer.content
    assert not Member.objects.exists()
    assert not User.objects.exists()
    (error,) = answer.json()["errors"]
    return error["code"]


def test_a_stranger_joins_by_a_web_page_and_keeps_the_nickname(db, alipay, li):
    answer = by_browser(alipay, li)

    assert answer["Location"] == STOREFRONT
    member = Member.objects.get()
    assert (member.name, member.source) == ("李四 & 家", "alipay")
    assert names() == [
        ("alipay", ALIPAY_WEB, "openWeb"),
        ("alipay", "union", "2088102150477652"),
    ]
    assert not SocialToken.objects.exists()
    assert [given["method"] for _path, given in alipay.seen] == [
        "alipay.system.oauth.token",
        "alipay.user.info.share",
    ]


def test_the_page_that_asks_is_alipays(db, alipay):
    parts, query = asked(leave(Client(), "alipay"))
    assert parts.path == "/oauth2/publicAppAuthorize.htm"
    assert len(query.pop("state")) >= 16
    assert query == {
        "app_id": ALIPAY_WEB,
        "scope": "auth_user",
        "redirect_uri": f"http://testserver/accounts/alipay/{ALIPAY_WEB}/callback/",
    }


def test_the_mini_program_and_the_page_bring_the_same_member(db, alipay, li):
    first = by_code(alipay, li)
    assert first.status_code == 200, first.content
    by_browser(alipay, li)
    assert by_code(alipay, li).status_code == 200
    assert Member.objects.count() == User.objects.count() == 1
    assert len(names()) == 3


def test_an_app_that_is_told_open_ids_only_knows_people_by_them(db, alipay, li):
    li.user_id = ""
    for _again in range(2):
        assert by_code(alipay, li).status_code == 200
    assert names() == [("alipay", ALIPAY_MINI, "openMini")]
    assert Member.objects.count() == 1


def test_requests_are_signed_as_documented(db, alipay, li):
    by_code(alipay, li)
    ((path, given),) = alipay.seen
    assert path == "/gateway.do"
    assert set(given) == {
        *("app_id", "method", "format", "charset", "sign_type", "timestamp"),
        *("version", "grant_type", "code", "sign"),
    }
    assert (given["sign_type"], given["charset"]) == ("RSA2", "utf-8")


def test_a_request_signed_by_another_key_is_refused_by_the_gateway(
    db, alipay, li, shop_key
):
    alipay.shop_key = make_key().public_key()
    assert refused(by_code(alipay, li)) == "provider_failed"
    # The same code is still good: nothing but the signature was wrong.
    alipay.shop_key = shop_key.public_key()
    code = next(iter(alipay.codes))
    assert bring(code, ALIPAY_MINI, provider="alipay").status_code == 200


@pytest.mark.parametrize("fault", ["forged", "unsigned"])
def test_an_answer_that_alipay_did_not_sign_lets_nobody_in(db, alipay, li, fault):
    alipay.fault = fault
    assert refused(by_code(alipay, li)) == "provider_failed"


def test_an_answer_signed_by_another_key_lets_nobody_in(db, alipay, li):
    alipay.signing_key = make_key()
    assert refused(by_code(alipay, li)) == "provider_failed"


@pytest.mark.parametrize("fault", ["html", "malformed", "list", "deep", "gbk", "huge"])
def test_answers_that_are_none_let_nobody_in(db, alipay, li, fault):
    alipay.fault = fault
    assert refused(by_code(alipay, li)) == "provider_failed"


@pytest.mark.parametrize(
    ("sub_code", "code"),
    [
        ("isv.code-invalid", "code_refused"),
        ("isv.code-is-reused", "code_refused"),
        ("isp.unknow-error", "provider_busy"),
        ("isv.invalid-charset", "provider_failed"),
        ("isv.never-seen", "provider_failed"),
    ],
)
def test_errors_of_alipay_have_our_words(db, alipay, li, sub_code, code):
    alipay.sub_code = sub_code
    assert refused(by_code(alipay, li)) == code


def test_a_code_is_good_once_in_time_and_for_its_app(db, alipay, li):
    assert refused(bring("nonsense", ALIPAY_MINI, provider="alipay")) == "code_refused"
    late = alipay.code(ALIPAY_MINI, li, lives=-1)
    assert refused(bring(late, ALIPAY_MINI, provider="alipay")) == "code_refused"
    code = alipay.code(ALIPAY_MINI, li)
    assert bring(code, ALIPAY_MINI, provider="alipay").status_code == 200
    again = bring(code, ALIPAY_MINI, provider="alipay")
    assert again.json()["errors"][0]["code"] == "code_refused"


def test_an_unknown_app_is_refused_without_a_signature(db, alipay, li):
    alipay.app_ids = set()
    assert refused(by_code(alipay, li)) == "provider_failed"


def test_somebody_without_any_id_is_nobody(db, alipay):
    assert refused(by_code(alipay, Person({}))) == "provider_failed"


# --- Keys ---------------------------------------------------------------------------


def test_keys_are_read_as_pem_and_as_the_key_tool_writes_them():
    key = make_key()
    bare = base64.b64encode(
        key.private_bytes(
            Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        )
    ).decode()
    bare_public = base64.b64encode(
        key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).decode()
    for private in (private_pem(key), bare):
        for public in (public_pem(key), bare_public):
            assert is_signed("a=1&b=张", sign("a=1&b=张", private), public)


@pytest.mark.parametrize(
    "signature", ["", "AAAA", "not base64!", "é", "A" * 344, "A" * 10_000]
)
def test_a_signature_that_is_none_is_refused(signature):
    assert not is_signed("a=1", signature, public_pem(make_key()))


def test_a_signature_is_of_one_text():
    key = make_key()
    signature = sign("a=1", private_pem(key))
    assert is_signed("a=1", signature, public_pem(key))
    assert not is_signed("a=2", signature, public_pem(key))
    assert not is_signed("a=1", signature, public_pem(make_key()))


@pytest.mark.parametrize("text", ["", "x", "AAAA", "-----BEGIN X-----"])
def test_what_is_no_key_says_which_variable_is_wrong(text):
    with pytest.raises(ImproperlyConfigured, match="CRM_ALIPAY_PRIVATE_KEY"):
        private_key_of(text)
    with pytest.raises(ImproperlyConfigured, match="CRM_ALIPAY_PUBLIC_KEY"):
        public_key_of(text)
