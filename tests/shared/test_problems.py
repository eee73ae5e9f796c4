import json

import pytest
from django.test import Client
from django.utils import translation
from rest_framework.exceptions import ErrorDetail

from crm.shared.problems import csrf_failure, document_problems, pointed_errors

pytestmark = [pytest.mark.urls("tests.shared.api_cast"), pytest.mark.django_db]
TYPE = "https://regulars.example/problems/"


@pytest.fixture
def visitor():
    return Client(raise_request_exception=False)


def post(visitor, body, path="/api/write", kind="application/json"):
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    return visitor.post(path, text, content_type=kind)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/nowhere", 404, "not_found"),
        ("/api/fail/missing", 404, "not_found"),
        ("/api/fail/forbidden", 403, "permission_denied"),
        ("/api/fail/refused", 409, "not_enough"),
        ("/api/fail/busy", 503, "try_again"),
        ("/api/fail/slow", 429, "rate_limited"),
        ("/api/fail/odd", 500, "internal_error"),
        ("/api/fail/broken", 500, "internal_error"),
        ("/api/crash", 500, "internal_error"),
        ("/api/closed", 401, "not_authenticated"),
        ("/api/trail?color=red", 400, "unknown_parameter"),
        ("/api/trail?x=%00", 400, "bad_request"),
    ],
)
def test_every_error_is_a_problem(visitor, path, status, code):
    answer = visitor.get(path, headers={"X-Request-Id": "req-7"})
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == TYPE + code
    assert body["request_id"] == answer["X-Request-Id"] == "req-7"
    assert ("instance" in body) == (status < 500)
    for secret in (b"secret", b"10.0.0.1", b"alice", b"Traceback", b".py"):
        assert secret not in answer.content


def test_headers_that_tell_what_to_do(visitor):
    assert visitor.get("/api/closed")["WWW-Authenticate"] == "Bearer"
    assert visitor.get("/api/fail/slow")["Retry-After"] == "13"  # 12.2 s
    assert visitor.get("/api/fail/busy")["Retry-After"] == "1"
    answer = visitor.get("/api/write")
    assert (answer.status_code, answer["Allow"]) == (405, "POST, OPTIONS")
    assert answer.json()["code"] == "method_not_allowed"


def test_a_refusal_tells_its_params(visitor):
    body = visitor.get("/api/fail/refused").json()
    assert (body["title"], body["params"]) == ("You are 3 short.", {"missing": 3})


def test_a_refusal_may_point(visitor):
    answer = post(visitor, {"number": 422})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"pointer": "/code", "code": "coupon_spent", "detail": "Spent."}
    ]


def test_validation_points_at_each_field(visitor):
    answer = post(visitor, {"lines": [{"quantity": 1}, {"quantity": 0}], "more": 1})
    assert answer.status_code == 400
    assert answer.json()["code"] == "validation_error"
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [
        ("/more", "unknown_field")
    ]
    answer = post(visitor, {"lines": [{"quantity": 1}, {"quantity": 0, "x": 1}]})
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [
        ("/number", "required"),
        ("/lines/1/x", "unknown_field"),
    ]


def test_codes_stay_and_titles_follow_the_language(visitor):
    answers = [
        visitor.get("/api/closed", headers={"Accept-Language": language})
        for language in ("en", "zh-hans")
    ]
    english, chinese = (answer.json() for answer in answers)
    assert english["code"] == chinese["code"] == "not_authenticated"
    assert english["title"] != chinese["title"]
    assert answers[1]["Content-Language"] == "zh-hans"


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        ("{", "application/json", 400, "malformed_json"),
        ("5", "application/json", 400, "malformed_json"),
        ("[" * 100_000, "application/json", 400, "malformed_json"),
        ('{"number":"\\u0000"}', "application/json", 400, "malformed_json"),
        ("[]", "application/json", 400, "validation_error"),
        ("x" * 300_000, "application/json", 413, "body_too_large"),
        ("a=1", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        ("a", "text/plain", 415, "unsupported_media_type"),
    ],
)
def test_bodies_out_of_bounds(visitor, body, kind, status, code):
    answer = post(visitor, body, kind=kind)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"


def test_a_large_body_with_a_key_is_refused_too(visitor):
    answer = visitor.post(
        "/api/write",
        "x" * 300_000,
        content_type="application/json",
        headers={"Idempotency-Key": "k"},
    )
    assert answer.status_code == 413


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/crash", 500)])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_people_get_a_page(visitor, path, status, language):
    answer = visitor.get(
        path, headers={"Accept-Language": language, "X-Request-Id": "req-7"}
    )
    assert answer.status_code == status
    assert answer["Content-Type"].startswith("text/html")
    page = answer.content.decode()
    assert f'<html lang="{language}">' in page
    assert "req-7" in page
    assert "secret" not in page


def test_csrf_failure_is_a_problem_or_a_page(rf):
    assert json.loads(csrf_failure(rf.post("/api/x")).content)["code"] == "csrf_failed"
    with translation.override("en"):
        assert b"expired" in csrf_failure(rf.post("/x")).content


def test_pointers_of_whole_objects_and_strange_names():
    detail = {
        "non_field_errors": [ErrorDetail("a", "x")],
        "a/b~c": [ErrorDetail("b", "y")],
        "list": {0: [ErrorDetail("c", "z")]},
    }
    assert [(e["pointer"], e["code"]) for e in pointed_errors(detail)] == [
        ("", "x"),
        ("/a~1b~0c", "y"),
        ("/list/0", "z"),
    ]


def test_the_schema_names_one_problem():
    schema = {
        "paths": {
            "/a/{id}": {"get": {"responses": {"200": {}}}},
            "/b": {"post": {"responses": {"409": {"description": "own"}}}},
            "/c": {"get": {"security": [], "responses": {}}},
        }
    }
    paths = document_problems(schema, None, None, True)["paths"]
    assert sorted(paths["/a/{id}"]["get"]["responses"]) == [
        "200",
        "400",
        "401",
        "403",
        "404",
        "429",
    ]
    assert sorted(paths["/b"]["post"]["responses"]) == [
        "400",
        "401",
        "403",
        "409",
        "422",
        "429",
    ]
    assert paths["/b"]["post"]["responses"]["409"] == {"description": "own"}
    assert sorted(paths["/c"]["get"]["responses"]) == ["400", "429"]
    assert set(schema["components"]["schemas"]) == {"Problem"}
