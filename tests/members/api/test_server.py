"""The server API: members by the number another system knows them under."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from rest_framework.test import APIClient

from crm.shared.clock import now
from crm.shared.models import AuditEntry, Fact, ServerKey
from crm.shared.server_keys import make_server_key, revoke_server_key
from members.models import Consent, Invitation, Member
from members.queries import has_consent
from members.services.inviting import invitation_code_of
from tests.cast import NOON, make_member, put_in_state
from tests.members.services.test_merging import merge

ROOT = "/api/server/v1/members"
URL = f"{ROOT}/erp/17"
LOOKUP = f"{ROOT}/lookup"
BATCH = f"{ROOT}/batch"
JING = {"name": "王静", "phone": "138 0000 1234", "email": "jing@example.com"}
YES = {
    "purpose": "marketing",
    "channel": "sms",
    "granted": True,
    "text_version": "till-3",
    "source": "pos:store-12",
}


def caller(*scopes, **more):
    key, secret = make_server_key(
        name="ERP", scopes=scopes, actor="tests", now=now(), **more
    )
    client = APIClient(headers={"Authorization": f"Bearer {secret}"})
    client.key = key
    return client


@pytest.fixture
def erp(db):
    """Return a client whose key may read and write."""
    return caller("members:read", "members:write")


def code_of(answer):
    return answer.status_code, answer.json()["code"]


# --- Who may ------------------------------------------------------------------

REQUESTS = [
    ("get", URL, None, "members:read"),
    ("put", URL, JING, "members:write"),
    ("post", LOOKUP, {"phone": "13800001234"}, "members:read"),
    ("post", BATCH, {"items": [{}]}, "members:write"),
]


@pytest.mark.parametrize(("method", "url", "body", "scope"), REQUESTS)
def test_each_request_needs_a_key_with_its_scope(db, method, url, body, scope):
    def send(client):
        return getattr(client, method)(url, body, format="json")

    answer = send(APIClient())
    assert code_of(answer) == (401, "not_authenticated")
    assert answer["WWW-Authenticate"] == 'Bearer realm="server"'
    bad = APIClient(headers={"Authorization": "Bearer sk_test_" + "x" * 40})
    assert code_of(send(bad)) == (401, "authentication_failed")

    (other,) = {"members:read", "members:write"} - {scope}
    assert code_of(send(caller(other))) == (403, "insufficient_scope")
    assert not Member.objects.exists()

    client = caller(scope)
    assert send(client).status_code in {200, 201, 404}
    revoke_server_key(key_id=client.key.pk, actor="tests", now=now())
    assert send(client).status_code == 401


def test_a_head_is_read_like_a_get(db):
    assert caller("members:read").head(URL).status_code == 404
    assert caller("members:write").head(URL).status_code == 403


def test_sessions_of_members_open_nothing_here(jing):
    assert jing.get("/api/storefront/v1/me").status_code == 200
    assert jing.get(URL).status_code == 401


def test_server_keys_open_nothing_in_the_storefront(erp):
    assert erp.get("/api/storefront/v1/me").status_code == 401


def test_the_minute_of_a_key_runs_out(db):
    client = caller("members:read", per_minute=2)
    assert client.get(URL)["X-RateLimit-Remaining"] == "1"
    client.get(URL)
    answer = client.get(URL)
    assert code_of(answer) == (429, "rate_limited")
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert answer["X-RateLimit-Limit"] == "2"
    assert caller("members:read").get(URL).status_code == 404


# --- Upsert -------------------------------------------------------------------


def test_a_new_number_makes_a_member(erp):
    answer = erp.put(URL, {**JING, "consents": [YES]}, format="json")
    assert answer.status_code == 201, answer.content
    member = Member.objects.get()
    body = answer.json()
    assert {
        "id": member.public_id,
        "number": member.number,
        "source": "erp",
        "external_id": "17",
        "name": "王静",
        "phone": "+8613800001234",
        "email": "jing@example.com",
        "state": "active",
    }.items() <= body.items()
    assert [(c["channel"], c["granted"]) for c in body["consents"]] == [("sms", True)]
    assert "no-store" in answer["Cache-Control"]
    assert Fact.objects.filter(name="members.MemberJoined").count() == 1

    consent = Consent.objects.get()
    assert (consent.source, consent.reason) == ("pos:store-12", "server API")
    assert consent.actor == f"key:{ServerKey.objects.get().public_id}"
    assert has_consent(member_id=member.pk, purpose="marketing", channel="sms")


def test_a_known_number_changes_what_is_named(erp):
    etag = erp.put(URL, {**JING, "birthday": "1990-02-28"}, format="json")["ETag"]
    answer = erp.put(URL, {"name": "王小静", "birthday": None}, format="json")
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["name"], body["birthday"], body["phone"]) == (
        "王小静",
        None,
        "+8613800001234",
    )
    assert answer["ETag"] != etag
    assert Member.objects.count() == 1
    entry = AuditEntry.objects.get(action="members.correct")
    assert entry.actor.startswith("key:key_")
    assert entry.detail == {
        "name": "changed",
        "birthday": "changed",
        "birth_month": "changed",
    }


def test_saying_the_same_again_writes_nothing(erp):
    body = {**JING, "consents": [YES]}
    etag = erp.put(URL, body, format="json")["ETag"]
    before = AuditEntry.objects.count()
    answer = erp.put(URL, body, format="json")
    assert (answer.status_code, answer["ETag"]) == (200, etag)
    assert Consent.objects.count() == 1
    assert AuditEntry.objects.count() == before


def test_an_idempotency_key_brings_the_first_answer_back(erp):
    headers = {"Idempotency-Key": "17-once"}
    first = erp.put(URL, JING, format="json", headers=headers)
    again = erp.put(URL, JING, format="json", headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
    other = erp.put(URL, {"name": "x"}, format="json", headers=headers)
    assert code_of(other) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("field", ["phone", "email"])
def test_a_person_known_under_another_number_is_not_taken_over(erp, field):
    make_member(5, name="Other", phone="+8613800001234", email="JING@example.com")
    body = {"name": "王静", field: JING[field], "consents": [YES]}
    for url in (URL, f"{ROOT}/erp/18"):
        answer = erp.put(url, body, format="json")
        assert code_of(answer) == (409, "already_member")
        assert answer.json()["params"] == {"field": field}
        assert JING[field] not in answer.content.decode()
    assert Member.objects.count() == 1
    assert not Consent.objects.exists()
    assert not Fact.objects.exists()


def test_an_update_into_somebody_elses_phone_writes_nothing(erp):
    erp.put(URL, {"name": "A"}, format="json")
    make_member(5, phone="+8613800001234")
    answer = erp.put(
        URL, {"name": "B", "phone": JING["phone"], "consents": [YES]}, format="json"
    )
    assert code_of(answer) == (409, "already_member")
    assert Member.objects.get(external_id="17").name == "A"
    assert not Consent.objects.exists()


def test_a_stale_etag_is_refused(erp):
    etag = erp.put(URL, JING, format="json")["ETag"]
    headers = {"If-Match": etag}
    assert (
        erp.put(URL, {"name": "B"}, format="json", headers=headers).status_code == 200
    )
    answer = erp.put(URL, {"name": "C"}, format="json", headers=headers)
    assert code_of(answer) == (412, "version_conflict")
    assert Member.objects.get().name == "B"
    # Nobody made a member who was seen before.
    answer = erp.put(f"{ROOT}/erp/18", JING, format="json", headers={"If-Match": '"0"'})
    assert answer.status_code == 412


def test_who_left_is_not_brought_back(erp):
    erp.put(URL, JING, format="json")
    put_in_state(Member.objects.get(), "closed")
    before = list(Member.objects.values())
    answer = erp.put(URL, {"name": "B"}, format="json")
    assert code_of(answer) == (409, "membership_over")
    assert list(Member.objects.values()) == before


def test_a_merged_member_answers_as_who_stayed(erp):
    erp.put(URL, JING, format="json")
    winner = make_member(2, name="Bob")
    loser = Member.objects.get(external_id__isnull=False)
    merge(winner, loser)
    shown = erp.get(URL)
    assert (shown.status_code, shown.json()["id"]) == (200, winner.public_id)
    found = erp.post(f"{ROOT}/lookup", {"phone": JING["phone"]}, format="json")
    assert found.json()["id"] == winner.public_id
    changed = erp.put(URL, {"region": "杭州"}, format="json")
    assert (changed.status_code, changed.json()["id"]) == (200, winner.public_id)
    assert Member.objects.get(pk=winner.pk).region == "杭州"
    assert Member.objects.count() == 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"nickname": "x"}, 400, "unknown_field"),
        ({"state": "closed"}, 400, "unknown_field"),
        ({"name": "x" * 121}, 400, "max_length"),
        ({"birthday": "1990-02-30"}, 400, "invalid"),
        ({"consents": [{**YES, "source": ""}]}, 400, "blank"),
        ({"consents": [{**YES, "actor": "x"}]}, 400, "unknown_field"),
        ({"consents": [YES] * 21}, 400, "max_length"),
        ({"phone": "12"}, 422, "invalid_profile"),
        ({"email": "nobody"}, 422, "invalid_profile"),
        ({"invitation_code": "0000000000"}, 422, "unknown_invitation"),
        ([], 400, "invalid"),
    ],
)
def test_a_bad_body_is_refused_and_writes_nothing(erp, body, status, code):
    answer = erp.put(URL, body, format="json")
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert code in {problem["code"], *(e["code"] for e in problem.get("errors", []))}
    assert not Member.objects.exists()
    assert not Fact.objects.exists()


@pytest.mark.parametrize(
    "path", ["ERP/17", "erp/", "erp/a b", "erp/a/b", "-erp/1", f"erp/{'1' * 81}"]
)
def test_an_address_that_cannot_be_is_not_there(erp, path):
    assert erp.put(f"{ROOT}/{path}", JING, format="json").status_code == 404


def test_an_unknown_parameter_is_refused(erp):
    assert code_of(erp.get(f"{URL}?fields=name")) == (400, "unknown_parameter")


def test_joining_with_a_friends_code(erp, alice):
    code = invitation_code_of(member_id=alice.pk, now=NOON)
    for _again in range(2):
        erp.put(URL, {**JING, "invitation_code": code}, format="json")
    assert Invitation.objects.get().inviter == alice


def test_members_moved_here_are_not_new(erp):
    erp.put(URL, JING, format="json")
    erp.put(f"{ROOT}/erp/18", {"name": "Old", "is_new": False}, format="json")
    joined = Fact.objects.filter(name="members.MemberJoined").order_by("id")
    assert [fact.payload["is_new"] for fact in joined] == [True, False]


# --- Reading ------------------------------------------------------------------


def test_reading_by_number_and_by_what_the_person_says(erp):
    made = erp.put(URL, {**JING, "consents": [YES]}, format="json").json()
    assert erp.get(URL).json() == made
    for words in ({"phone": "+86 13800001234"}, {"email": " JING@example.com"}):
        answer = erp.post(LOOKUP, words, format="json")
        assert (answer.status_code, answer.json()) == (200, made)
    assert erp.get(f"{ROOT}/shop/17").status_code == 404
    assert erp.post(LOOKUP, {"phone": "13800009999"}, format="json").status_code == 404


@pytest.mark.parametrize(
    "body", [{}, {"phone": "1", "email": "a@b.c"}, {"name": "x"}, {"phone": ""}]
)
def test_a_lookup_asks_for_one_thing(erp, body):
    assert erp.post(LOOKUP, body, format="json").status_code == 400


@pytest.mark.parametrize(
    ("method", "url"), [("post", URL), ("delete", URL), ("get", BATCH), ("get", LOOKUP)]
)
def test_other_methods_are_not_there(erp, method, url):
    assert getattr(erp, method)(url).status_code == 405


# --- Batch --------------------------------------------------------------------


def item(number, **more):
    return {"source": "erp", "external_id": str(number), "name": f"M{number}", **more}


def test_each_of_a_batch_succeeds_or_fails_alone(erp):
    erp.put(f"{ROOT}/erp/1", {"name": "old"}, format="json")
    answer = erp.post(
        BATCH,
        {
            "items": [
                item(1),
                item(2, phone="13800001234", consents=[YES]),
                item(3, phone="13800001234", consents=[YES]),
                item(4, nickname="x"),
                {"name": "x"},
                item(5),
            ]
        },
        format="json",
    )
    assert answer.status_code == 200, answer.content
    results = answer.json()["data"]
    assert [(r["index"], r["status"]) for r in results] == [
        (0, 200),
        (1, 201),
        (2, 409),
        (3, 400),
        (4, 400),
        (5, 201),
    ]
    assert (results[2]["code"], results[2]["params"]) == (
        "already_member",
        {"field": "phone"},
    )
    assert results[3]["errors"] == [
        {"pointer": "/nickname", "code": "unknown_field", "detail": "Unknown field."}
    ]
    assert {e["pointer"] for e in results[4]["errors"]} == {"/source", "/external_id"}
    known = Member.objects.order_by("external_id").values_list("external_id", flat=True)
    assert list(known) == ["1", "2", "5"]
    assert Member.objects.get(external_id="1").name == "M1"
    assert results[1]["id"] == Member.objects.get(external_id="2").public_id
    assert Consent.objects.count() == 1


@pytest.mark.parametrize(
    "body", [{}, {"items": []}, {"items": [item(1)] * 101}, {"items": ["x"]}]
)
def test_a_bad_batch_is_refused_whole(erp, body):
    assert erp.post(BATCH, body, format="json").status_code == 400
    assert not Member.objects.exists()


def test_a_batch_is_safe_to_repeat(erp):
    headers = {"Idempotency-Key": "b1"}
    body = {"items": [item(n) for n in range(100)]}
    first = erp.post(BATCH, body, format="json", headers=headers)
    again = erp.post(BATCH, body, format="json", headers=headers)
    assert first.status_code == 200
    assert again.content == first.content
    assert Member.objects.count() == 100


# --- Races, description -------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_eight_programs_make_one_member_of_one_number():
    clients = [caller("members:write") for _ in range(8)]

    def put(client):
        try:
            return client.put(URL, JING, format="json").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(put, clients))
    assert statuses == [200] * 7 + [201]
    assert Member.objects.count() == 1


def test_the_description_shows_this_api_and_no_other(db):
    answer = APIClient().get("/api/server/v1/schema?format=json")
    schema = answer.json()
    assert set(schema["paths"]) == {
        "/api/server/v1/members/lookup",
        "/api/server/v1/members/batch",
        "/api/server/v1/members/{source}/{external_id}",
        "/api/server/v1/members/{member_id}/tier",
        "/api/server/v1/members/{member_id}/loyalty-events",
        "/api/server/v1/members/{member_id}/points/balance",
        "/api/server/v1/members/{member_id}/points/entries",
        "/api/server/v1/orders/batch",
        "/api/server/v1/orders/{source}/{external_ref}",
        "/api/server/v1/orders/{source}/{external_ref}/refunds",
    }
    put = schema["paths"]["/api/server/v1/members/{source}/{external_id}"]["put"]
    assert {"200", "201", "400", "401", "403", "409", "422", "429"} <= set(
        put["responses"]
    )
    assert put["security"] == [{"serverKey": []}]
    assert schema["components"]["securitySchemes"]["serverKey"]["scheme"] == "bearer"

    storefront = APIClient().get("/api/storefront/v1/schema?format=json").json()
    assert "/api/storefront/v1/me" in storefront["paths"]
    assert not any("/server/" in path for path in storefront["paths"])
