import json
import logging
import pickle
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from crm.shared import health, logs
from crm.shared.errors import Refusal
from crm.shared.logs import JSONFormatter, TextFormatter, describe
from crm.shared.models import IdempotencyKey
from tests.shared.api_cast import NotEnough

pytestmark = pytest.mark.urls("tests.shared.api_cast")


def access_lines(caplog):
    return [r for r in caplog.records if r.name == "crm.access"]


@pytest.mark.parametrize("given", ["abc", "req_01JD", "A-b_c.d:9", "x" * 64])
def test_a_harmless_request_id_is_kept(db, given):
    answer = Client().get("/page", headers={"X-Request-Id": given})
    assert answer["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "<b>", "ü", "-x", 'a"'])
def test_any_other_request_id_is_replaced(db, given):
    answer = Client().get("/page", headers={"X-Request-Id": given})
    assert answer["X-Request-Id"] != given
    assert answer["X-Request-Id"].startswith("req_")
    assert len(answer["X-Request-Id"]) == 30


def test_one_access_line_without_personal_data(db, caplog):
    caplog.set_level(logging.INFO, "crm.access")
    Client().get("/api/fail/missing?phone=13800000000", headers={"X-User": "77"})
    (line,) = access_lines(caplog)
    text = JSONFormatter().format(line)
    data = json.loads(text)
    assert (data["method"], data["status"]) == ("GET", 404)
    assert data["route"] == "/api/fail/<str:how>"
    assert data["queries"] == 0
    assert "13800000000" not in text and "missing" not in text
    assert len(data["user"]) == 12 and data["user"] != "77"


def test_queries_are_counted(db, caplog):
    caplog.set_level(logging.INFO, "crm.access")
    Client().get("/api/trail")
    assert access_lines(caplog)[0].queries == 1


def test_health_checks_leave_no_line(db, caplog):
    caplog.set_level(logging.INFO, "crm.access")
    assert Client().get("/livez").json() == {"status": "ok"}
    assert access_lines(caplog) == []


def test_policies_are_strict_but_for_the_console(db):
    page, console, data = (
        Client().get(path)["Content-Security-Policy"]
        for path in ("/page", "/admin/page", "/api/trail")
    )
    assert "unsafe" not in page and "default-src 'self'" in page
    assert "script-src 'self' 'unsafe-eval'" in console
    assert "script-src 'self' 'unsafe-inline'" not in console
    assert data == "default-src 'none'; frame-ancestors 'none'"
    answer = Client().get("/page")
    assert "geolocation=()" in answer["Permissions-Policy"]
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_answers_to_somebody_are_stored_nowhere(db):
    known = Client().get("/api/closed", headers={"X-User": "1"})
    assert known["Cache-Control"] == "private, no-store"
    assert Client().get("/api/trail")["Cache-Control"] == "no-store"


def test_api_moments_are_utc_and_the_shops_zone_comes_back(db):
    assert Client().get("/api/closed", headers={"X-User": "1"}).json() == {
        "at": "2026-03-01T12:00:00Z"
    }
    assert timezone.get_current_timezone_name() == "Asia/Shanghai"


def test_ready_tells_what_is_missing(db, monkeypatch):
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["checks"] == {
        "database": True,
        "migrations": True,
        "outbox_seconds": 0.0,
    }
    monkeypatch.setattr(health, "migrations_applied", lambda: False)
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": True, "migrations": False}
    assert Client().post("/readyz").status_code == 405


# --- Log lines ----------------------------------------------------------------


def line_of(message="hello", error=None, **extra):
    record = logging.getLogger("t").makeRecord(
        "t", logging.INFO, "f", 1, message, (), error, extra=extra
    )
    return JSONFormatter().format(record), TextFormatter().format(record)


@pytest.mark.parametrize(
    "evil",
    ["a\nINFO forged", "a\r\nb", "\x1b[31mred", '"}{', "\u2028", "\u202e", "\ud800"],
)
def test_a_message_stays_one_line(evil):
    as_json, as_text = line_of(evil)
    assert json.loads(as_json)["message"] == logs.one_line(evil)
    for line in (as_json, as_text):
        line.encode()
        assert not set(line) & set("\n\r\x1b\u2028\u202e")


def test_only_listed_fields_are_written():
    as_json, as_text = line_of(status=200, email="alice@example.com", phone="138")
    assert json.loads(as_json)["status"] == 200
    assert "alice" not in as_json + as_text and "138" not in as_json + as_text


def test_a_line_carries_utc_and_the_bound_request():
    with logs.bound_to(request_id="req_1"):
        data = json.loads(line_of()[0])
    assert data["request_id"] == "req_1"
    assert data["at"].endswith("Z")
    assert logs.bound("request_id") == ""


def test_exceptions_tell_where_but_no_locals_and_no_values():
    password = "hunter2"
    try:
        int(f"alice@example.com 13800000000 {password[:0]}")
    except ValueError:
        as_json, as_text = line_of(error=sys.exc_info())
    told = json.loads(as_json)["exception"]
    assert told[0].startswith("ValueError: invalid literal")
    assert "test_exceptions_tell_where" in told[1]
    for secret in ("hunter2", "alice@", "13800000000"):
        assert secret not in as_json and secret not in as_text


def test_database_errors_tell_the_constraint_not_the_row(db):
    IdempotencyKey.objects.create(caller="a", key="alice@example.com", fingerprint=b"")
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        IdempotencyKey.objects.create(
            caller="a", key="alice@example.com", fingerprint=b""
        )
    assert describe(error.value) == (
        "IntegrityError 23505 idempotency_key_once_per_caller"
    )


def test_unknown_formats_and_levels_stop_the_start():
    with pytest.raises(ImproperlyConfigured, match="CRM_LOG_FORMAT is 'xml'"):
        logs.logging_config("xml")
    with pytest.raises(ImproperlyConfigured, match="CRM_LOG_LEVEL is 'LOUD'"):
        logs.logging_config("json", level="loud")


def test_configuring_twice_writes_each_line_once():
    ours = [h for h in logging.getLogger().handlers if hasattr(h, "is_regulars")]
    logs.logging_config("text", level="INFO")
    logs.logging_config("text", level="INFO")
    again = [h for h in logging.getLogger().handlers if hasattr(h, "is_regulars")]
    assert len(ours) == len(again) == 1


# --- Refusals -----------------------------------------------------------------


def test_a_refusal_says_its_first_docstring_line_or_its_message():
    class Closed(Refusal):
        """100 % closed.

        Not this.
        """

    assert str(Closed()) == "100 % closed."
    assert str(NotEnough(missing=3)) == "You are 3 short."
    assert (Closed.code, Closed.status) == ("refused", 409)


def test_a_refusal_survives_pickling():
    again = pickle.loads(pickle.dumps(NotEnough(missing=3)))
    assert again.params == {"missing": 3} and str(again) == "You are 3 short."
