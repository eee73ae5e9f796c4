from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from crm.shared.models import Fact
from members.models import Consent, Interest, Member
from members.queries import email_is
from tests.cast import NOON, publish, put_in_state
from tests.members.api.signing_in import ADDRESS

ME = "/api/storefront/v1/me"
CONSENTS = f"{ME}/consents"
INVITATION = f"{ME}/invitation"
TEXTS = "/api/storefront/v1/consent-texts"


def me(email=ADDRESS):
    return Member.objects.get(email_is(email))


def test_members_see_themselves_in_clear(jing, eve):
    answer = jing.get(ME)
    assert answer.status_code == 200
    assert answer.json() == {
        "id": me().public_id,
        "number": me().number,
        "state": "active",
        "name": "王静",
        "nickname": None,
        "avatar": None,
        "phone": None,
        "email": ADDRESS,
        "birthday": None,
        "gender": "",
        "region": "",
        "city": "",
        "occupation": "",
        "education": "",
        "interests": [],
        "bio": None,
        "language": "en",
        "joined_at": answer.json()["joined_at"],
        "completeness": 25,
    }
    assert answer.json()["joined_at"].endswith("Z")
    assert "no-store" in answer["Cache-Control"]
    assert eve.get(ME).json()["name"] == "Eve"


def test_a_patch_changes_what_it_names(jing, eve):
    answer = jing.patch(
        ME,
        {
            "phone": "138 0000 1234",
            "birthday": "1990-02-28",
            "gender": "female",
            "language": "zh-hans",
        },
        format="json",
    )
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["name"], body["phone"], body["birthday"]) == (
        "王静",
        "+8613800001234",
        "1990-02-28",
    )
    assert (body["gender"], body["language"]) == ("female", "zh-hans")
    assert eve.get(ME).json()["phone"] is None


def test_a_whole_profile_is_complete_and_told_once(jing, eve):
    Interest.objects.create(code="tea", name="茶", name_en="Tea")
    answer = jing.patch(
        ME,
        {
            "phone": "138 0000 1234",
            "birthday": "1990-02-28",
            "gender": "female",
            "city": " 杭州 ",
            "nickname": "小静",
            "occupation": "professional",
            "education": "master",
            "interests": ["tea", "tea"],
            "bio": "喜欢\n绿茶",
        },
        format="json",
    )
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["city"], body["nickname"], body["interests"], body["bio"]) == (
        "杭州",
        "小静",
        ["tea"],
        "喜欢\n绿茶",
    )
    assert body["completeness"] == 100
    (fact,) = Fact.objects.filter(name="members.ProfileCompleted")
    assert fact.payload == {"member_id": me().pk}
    cleared = jing.patch(ME, {"interests": None, "bio": ""}, format="json").json()
    assert (cleared["interests"], cleared["bio"], cleared["completeness"]) == (
        [],
        None,
        90,
    )
    assert eve.get(ME).json()["completeness"] == 25


def test_an_interest_that_is_not_offered_any_more_may_stay_but_not_come(jing, eve):
    tea = Interest.objects.create(code="tea", name="茶")
    jing.patch(ME, {"interests": ["tea"]}, format="json")
    Interest.objects.filter(pk=tea.pk).update(is_active=False)
    Interest.objects.create(code="art", name="艺术")
    kept = jing.patch(ME, {"interests": ["tea", "art"]}, format="json")
    assert kept.json()["interests"] == ["art", "tea"]
    new = eve.patch(ME, {"interests": ["tea", "art"]}, format="json")
    assert (new.status_code, new.json()["code"]) == (422, "invalid_profile")
    assert eve.get(ME).json()["interests"] == []


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("pending", 200),
        ("frozen", 200),
        ("dormant", 200),
        ("closed", 403),
        ("erased", 403),
    ],
)
def test_who_may_come_in_stands_in_the_table_of_states(jing, state, status):
    put_in_state(Member.objects.get(), state)
    assert jing.get(ME).status_code == status
    assert jing.patch(ME, {"name": "B"}, format="json").status_code == status


def test_null_clears(jing):
    jing.patch(ME, {"phone": "13800001234", "birthday": "1990-02-28"}, format="json")
    answer = jing.patch(
        ME, {"phone": None, "birthday": None, "name": None}, format="json"
    )
    assert answer.status_code == 200
    assert (me().phone, me().birthday, me().birth_month, me().name) == (
        None,
        None,
        None,
        None,
    )


def test_a_merge_patch_may_say_that_it_is_one(jing):
    answer = jing.patch(
        ME, '{"name": "B"}', content_type="application/merge-patch+json"
    )
    assert answer.status_code == 200
    assert me().name == "B"


@pytest.mark.parametrize(
    ("body", "code", "status"),
    [
        ({"email": "x@example.com"}, "unknown_field", 400),
        ({"state": "closed"}, "unknown_field", 400),
        ({"completeness": 100}, "unknown_field", 400),
        ({"avatar": "avt_1"}, "unknown_field", 400),
        ({"nickname": "x" * 41}, "max_length", 400),
        ({"bio": "x" * 501}, "max_length", 400),
        ({"occupation": "spy"}, "invalid_choice", 400),
        ({"education": "x"}, "invalid_choice", 400),
        ({"interests": "tea"}, "not_a_list", 400),
        ({"interests": ["tea"] * 21}, "max_length", 400),
        ({"interests": ["unheard of"]}, "invalid_profile", 422),
        ({"birthday": "1990-02-30"}, "invalid", 400),
        ({"gender": "x"}, "invalid_choice", 400),
        ({"name": "x" * 121}, "max_length", 400),
        ({"language": "fr"}, "invalid_choice", 400),
        ({"phone": "12"}, "invalid_profile", 422),
        ({"birthday": "2200-01-01"}, "invalid_profile", 422),
        ([], "invalid", 400),
    ],
)
def test_a_bad_patch_is_refused_and_changes_nothing(jing, body, code, status):
    before = jing.get(ME).json()
    answer = jing.patch(ME, body, format="json")
    assert answer.status_code == status, answer.content
    problem = answer.json()
    codes = {problem["code"]} | {error["code"] for error in problem.get("errors", [])}
    assert code in codes
    assert jing.get(ME).json() == before


def test_the_phone_of_somebody_else_is_refused(jing, eve):
    eve.patch(ME, {"phone": "13800001234"}, format="json")
    answer = jing.patch(ME, {"phone": "+86 138 0000 1234", "name": "B"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "already_member")
    assert (me().phone, me().name) == (None, "王静")


def test_a_stale_etag_is_refused(jing):
    etag = jing.get(ME)["ETag"]
    first = jing.patch(ME, {"name": "A"}, format="json", headers={"If-Match": etag})
    assert first.status_code == 200
    assert first["ETag"] != etag
    second = jing.patch(ME, {"name": "B"}, format="json", headers={"If-Match": etag})
    assert (second.status_code, second.json()["code"]) == (412, "version_conflict")
    third = jing.patch(
        ME, {"name": "C"}, format="json", headers={"If-Match": "nonsense"}
    )
    assert third.status_code == 400
    assert me().name == "A"


@pytest.mark.parametrize("path", [ME, CONSENTS, INVITATION])
def test_an_unknown_parameter_is_refused(jing, path):
    answer = jing.get(f"{path}?membr=1")
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_parameter")


def test_consents_are_a_ledger(jing, eve):
    publish("2026-11")
    assert jing.get(CONSENTS).json() == {"data": [], "waiting": []}
    word = {"purpose": "marketing", "channel": "email", "granted": True}
    said = {"text_version": "2026-11", "consents": [word]}
    for _again in range(2):
        answer = jing.put(CONSENTS, said, format="json")
        assert answer.status_code == 200, answer.content
    jing.put(
        CONSENTS, {**said, "consents": [{**word, "granted": False}]}, format="json"
    )

    (now_holds,) = jing.get(CONSENTS).json()["data"]
    assert {
        **word,
        "granted": False,
        "text_version": "2026-11",
    }.items() <= now_holds.items()
    rows = Consent.objects.order_by("id").values_list("member", "granted", "source")
    assert list(rows) == [(me().pk, True, "storefront"), (me().pk, False, "storefront")]
    assert eve.get(CONSENTS).json() == {"data": [], "waiting": []}


def test_a_yes_keeps_the_request_it_came_with(jing):
    text = publish("2026-11", language="zh-hans", body="可以给您发优惠吗？")
    word = {"purpose": "marketing", "channel": "email", "granted": True}
    answer = jing.put(
        CONSENTS,
        {"text_version": "2026-11", "consents": [word]},
        format="json",
        headers={"User-Agent": "Mozilla/5.0 (iPhone) MicroMessenger/8.0"},
        REMOTE_ADDR="203.0.113.77",
    )
    row = Consent.objects.get()
    assert bytes(row.text_digest) == bytes(text.digest)
    assert (row.request_id, row.network, row.agent) == (
        answer["X-Request-Id"],
        "203.0.113.0/24",
        "WeChat, iOS",
    )


def test_a_yes_to_an_unpublished_text_is_refused(jing):
    word = {"purpose": "marketing", "channel": "email", "granted": True}
    said = {"text_version": "2026-11", "consents": [word]}
    answer = jing.put(CONSENTS, said, format="json")
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_text_version")
    assert not Consent.objects.exists()


def test_where_the_shop_asks_twice_a_yes_is_shown_waiting(jing, settings):
    settings.DOUBLE_OPT_IN = frozenset({"email"})
    publish("2026-11")
    word = {"purpose": "marketing", "channel": "email", "granted": True}
    answer = jing.put(
        CONSENTS, {"text_version": "2026-11", "consents": [word]}, format="json"
    ).json()
    assert answer["data"] == []
    (waiting,) = answer["waiting"]
    assert (waiting["channel"], waiting["text_version"]) == ("email", "2026-11")


def test_the_texts_to_ask_with_are_public(jing):
    publish("2026-10")
    publish("2026-11", at=NOON + timedelta(days=1))
    publish("2026-11", language="zh-hans", body="可以吗？", at=NOON + timedelta(days=1))
    for client in (jing, APIClient()):
        (text,) = client.get(TEXTS).json()["data"]
        assert (text["version"], text["body"]) == ("2026-11", "May we send you offers?")
    (text,) = (
        APIClient().get(TEXTS, headers={"Accept-Language": "zh-Hans"}).json()["data"]
    )
    assert text["body"] == "可以吗？"
    assert jing.get(f"{TEXTS}?purpose=x").status_code == 400


def test_members_have_one_invitation_code(jing, eve):
    first = jing.get(INVITATION).json()
    assert first == jing.get(INVITATION).json()
    assert first["accepted"] == 0
    assert len(first["code"]) == 10
    assert eve.get(INVITATION).json()["code"] != first["code"]
    assert me().number not in first["code"]


@pytest.mark.parametrize("path", [ME, CONSENTS, INVITATION])
def test_strangers_are_turned_away(db, path):
    assert APIClient().get(path).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text_version": "1", "consents": []},
        {
            "text_version": "",
            "consents": [{"purpose": "marketing", "channel": "email", "granted": True}],
        },
        {
            "text_version": "1",
            "consents": [{"purpose": "spam", "channel": "email", "granted": True}],
        },
        {
            "text_version": "1",
            "consents": [{"purpose": "marketing", "channel": "fax", "granted": True}],
        },
        {
            "text_version": "1",
            "consents": [{"purpose": "marketing", "channel": "email"}],
        },
        {
            "text_version": "1",
            "consents": [{"purpose": "marketing", "channel": "email", "granted": None}],
        },
        {
            "text_version": "1",
            "consents": [
                {
                    "purpose": "marketing",
                    "channel": "email",
                    "granted": True,
                    "member": 1,
                }
            ],
        },
        {
            "text_version": "1",
            "consents": [{"purpose": "marketing", "channel": "email", "granted": True}]
            * 21,
        },
        {"text_version": "1", "consents": {"purpose": "marketing"}},
    ],
)
def test_bad_statements_are_refused_and_nothing_is_kept(jing, body):
    answer = jing.put(CONSENTS, body, format="json")
    assert answer.status_code == 400, answer.content
    assert not Consent.objects.exists()


@pytest.mark.parametrize("method", ["post", "delete", "put"])
def test_other_methods_are_not_there(jing, method):
    assert getattr(jing, method)(ME).status_code == 405
