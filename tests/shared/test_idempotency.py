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


@pytest.mark.parametrize(
    ("number", "status"), [(-1, 400), (409, 409), (422, 422), (410, 410)]
)
def test_refusals_are_not_kept(db, number, status):
    assert send(number=number).status_code == status
    assert not IdempotencyKey.objects.exists()
    assert send(number=1).status_code == 201  # The same key, the cause mended.


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


def test_twenty_refused_at_once_leave_nothing(transactional_db):
    answers = []
    in_threads(20, lambda _n: answers.append(send(number=409)))
    assert {a.status_code for a in answers} == {409}
    assert {a.json()["code"] for a in answers} == {"not_enough"}
    assert effects() == 0
    assert not IdempotencyKey.objects.exists()


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
