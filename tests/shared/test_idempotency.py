import json
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.db.models.functions import Now
from django.test import Client

from crm.shared import idempotency
from crm.shared.models import AuditEntry, IdempotencyKey
from tests.shared.test_outbox import in_threads

pytestmark = pytest.mark.urls("tests.shared.api_cast")


def send(key="k1", user="1", number=1, path="/api/write", **fields):
    headers = {"X-User": user} if user else {}
    if key is not None:
        headers["Idempotency-Key"] = key
    return Client().post(
        path,
        json.dumps({"number": number, **fields}),
        content_type="application/json",
        headers=headers,
    )


def effects():
    return AuditEntry.objects.filter(action="test.effect").count()


def test_the_same_request_again_gets_the_same_bytes_and_no_second_effect(db):
    first, again = send(), send()
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again["Location"] == first["Location"] == "/x/1"
    assert again["Content-Type"] == first["Content-Type"]
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert effects() == 1


def test_without_a_key_each_request_counts(db):
    assert send(key=None).status_code == send(key=None).status_code == 201
    assert effects() == 2
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize(
    "other",
    [{"number": 2}, {"path": "/api/write?x=1"}, {"path": "/api/must-write"}],
)
def test_the_key_of_another_request_is_refused(db, other):
    send()
    answer = send(**other)
    assert answer.status_code == 422
    assert answer.json()["code"] == "idempotency_key_reused"
    assert effects() == 1


def test_callers_have_name_spaces_of_their_own(db):
    answers = [send(user=user) for user in ("1", "2", "")]
    assert {answer.status_code for answer in answers} == {201}
    assert effects() == 3


def test_strangers_from_two_places_do_not_get_each_others_answers(db):
    send(user="")
    answer = Client(REMOTE_ADDR="192.0.2.7").post(
        "/api/write",
        json.dumps({"number": 1}),
        content_type="application/json",
        headers={"Idempotency-Key": "k1"},
    )
    assert "Idempotency-Replayed" not in answer
    assert effects() == 2


def test_what_is_not_valid_leaves_the_key_free(db):
    assert send(number=-1).status_code == 400
    assert not IdempotencyKey.objects.exists()
    assert send(number=1).status_code == 201


@pytest.mark.parametrize("number", [409, 422, 410])
def test_a_refusal_is_the_answer_of_its_request(db, number):
    first, again = send(number=number), send(number=number)
    assert first.status_code == number
    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")


@pytest.mark.parametrize("number", [409, 422])
def test_a_refused_request_is_mended_under_its_key(db, number):
    send(number=number)
    assert send(number=1).status_code == 201
    assert send(number=1)["Idempotency-Replayed"] == "true"
    assert effects() == 1


def test_a_refused_request_never_gets_its_key_back(db):
    for number in (409, 422):
        assert send(number=number).status_code == number
    late = send(number=409)
    assert late.json()["code"] == "idempotency_key_reused"
    assert send(number=422)["Idempotency-Replayed"] == "true"
    assert send(number=1).status_code == 201
    for number in (409, 422):
        assert send(number=number).json()["code"] == "idempotency_key_reused"


def test_a_copy_that_comes_late_is_not_obeyed(db, monkeypatch):
    """The caller heard "no" and went on: the same bytes must not become a "yes"."""
    with monkeypatch.context() as poor:
        poor.setattr("tests.shared.api_cast.purse", 0)
        refused = send(number=5, path="/api/spend")
    assert refused.json()["code"] == "not_enough"
    late = send(number=5, path="/api/spend")
    assert (late.status_code, late.content) == (409, refused.content)
    assert effects() == 0
    assert send("k2", number=5, path="/api/spend").status_code == 201


def test_a_rival_that_succeeds_meanwhile_is_the_answer(db, monkeypatch):
    """Between the undoing of a refusal and its keeping, a copy may get through."""
    claim, rivals = idempotency._claim, []

    def claim_late(*key):
        if rivals:
            monkeypatch.setattr(idempotency, "_claim", claim)
            monkeypatch.setattr("tests.shared.api_cast.purse", 9)
            rivals.append(send(number=5, path="/api/spend"))
        else:
            rivals.append(None)
        return claim(*key)

    monkeypatch.setattr("tests.shared.api_cast.purse", 0)
    monkeypatch.setattr(idempotency, "_claim", claim_late)
    answer = send(number=5, path="/api/spend")
    assert rivals[1].status_code == 201
    assert (answer.status_code, answer.content) == (201, rivals[1].content)
    assert effects() == 1


def test_a_refusal_undoes_what_came_before_it(db):
    send(number=409)
    assert effects() == 0


def test_a_missing_key_is_told_where_one_is_demanded(db):
    answer = send(key=None, path="/api/must-write")
    assert answer.status_code == 400
    assert answer.json()["code"] == "idempotency_key_required"


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "schlüssel"])
def test_a_key_that_is_not_printable_ascii_is_refused(db, key):
    answer = send(key=key)
    assert answer.status_code == 400
    assert answer.json()["code"] == "idempotency_key_invalid"
    assert effects() == 0


def test_the_longest_key_is_taken(db):
    assert send(key="x" * 255).status_code == 201


def test_twenty_at_once_have_one_effect_and_one_answer(transactional_db):
    answers = []
    in_threads(20, lambda _n: answers.append(send()))
    assert [a.status_code for a in answers] == [201] * 20
    assert len({a.content for a in answers}) == 1
    assert sum("Idempotency-Replayed" in a for a in answers) == 19
    assert effects() == 1


def test_twenty_refused_at_once_hear_the_same(transactional_db):
    answers = []
    in_threads(20, lambda _n: answers.append(send(number=409)))
    assert {a.status_code for a in answers} == {409}
    assert {a.json()["code"] for a in answers} == {"not_enough"}
    assert len({a.content for a in answers}) == 1
    assert effects() == 0


def test_twenty_mended_in_two_ways_at_once_have_one_effect(transactional_db):
    send(number=409)
    answers = []
    in_threads(20, lambda n: answers.append(send(number=1 + n % 2)))
    assert effects() == 1
    assert sorted({a.status_code for a in answers}) == [201, 422]
    assert len({a.content for a in answers if a.status_code == 201}) == 1


def test_a_rival_that_takes_too_long_is_told_to_come_back(transactional_db):
    answers = []

    def late(_number):
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '100ms'")
        try:
            answers.append(send())
        finally:
            connections.close_all()

    with transaction.atomic():
        IdempotencyKey.objects.create(caller="user:1", key="k1", fingerprint=b"x")
        in_threads(1, late)
    (answer,) = answers
    assert answer.status_code == 409
    assert answer.json()["code"] == "idempotency_in_progress"
    assert answer["Retry-After"] == "1"
    assert effects() == 0


def test_answers_are_forgotten_after_seven_days(db):
    send("old")
    send("new")
    almost = timedelta(days=7) - timedelta(minutes=1)
    IdempotencyKey.objects.filter(key="new").update(created_at=Now() - almost)
    IdempotencyKey.objects.filter(key="old").update(
        created_at=Now() - timedelta(days=7, seconds=1)
    )
    assert idempotency.forget_old_keys() == 1
    assert IdempotencyKey.objects.get().key == "new"
