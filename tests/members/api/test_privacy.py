"""The member's rights by API: a copy of everything, and to be forgotten."""

import io
import json
import zipfile
from datetime import timedelta

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from crm.shared.clock import now
from crm.shared.jobs import run_all_queued
from members.models import DataExport, Erasure, Member
from members.services.erasing import start_due_erasures
from tests.members.api.signing_in import ADDRESS, PASSWORD, log_in

EXPORT = "/api/storefront/v1/me/data-export"
ERASURE = "/api/storefront/v1/me/erasure"


def me() -> Member:
    return next(m for m in Member.objects.all() if m.email == ADDRESS)


# --- A copy -------------------------------------------------------------------


def test_a_copy_is_asked_for_made_and_fetched_once(jing):
    assert jing.get(EXPORT).status_code == 404
    asked = jing.post(EXPORT)
    assert asked.status_code == 202
    assert asked.json()["state"] == "preparing"
    assert asked.json()["download_url"] is None
    assert jing.post(EXPORT).json()["id"] == asked.json()["id"]
    run_all_queued()
    status = jing.get(EXPORT).json()
    assert status["state"] == "ready"
    file = jing.get(status["download_url"])
    assert (file.status_code, file["Content-Type"], file["Cache-Control"]) == (
        200,
        "application/zip",
        "private, no-store",
    )
    whole = json.loads(zipfile.ZipFile(io.BytesIO(file.content)).read("data.json"))
    assert whole["data"]["members.Member"][0]["name"] == "王静"
    gone = jing.get(status["download_url"])
    assert (gone.status_code, gone.json()["code"]) == (410, "export_gone")
    assert jing.get(EXPORT).json()["download_url"] is None


def test_nobody_fetches_the_copy_of_another(jing, eve):
    jing.post(EXPORT)
    run_all_queued()
    url = jing.get(EXPORT).json()["download_url"]
    assert eve.get(url).status_code == 404
    assert APIClient().get(url).status_code == 401
    assert eve.get(EXPORT).status_code == 404
    assert DataExport.objects.get().state == "ready"


def test_a_copy_that_is_not_ready_says_so(jing):
    export = jing.post(EXPORT).json()["id"]
    answer = jing.get(reverse("my-data-export-file", args=[export]))
    assert (answer.status_code, answer.json()["code"]) == (409, "export_not_ready")


@pytest.mark.parametrize(
    ("verb", "url", "body", "status"),
    [
        ("post", EXPORT, {"format": "xml"}, 400),
        ("get", f"{EXPORT}?who=all", None, 400),
        ("put", EXPORT, {}, 405),
        ("post", ERASURE, {}, 400),
        ("post", ERASURE, {"confirm": True, "now": True}, 400),
        ("post", ERASURE, {"confirm": "yes"}, 422),
        ("delete", ERASURE, None, 404),
        ("get", ERASURE, None, 404),
        ("get", f"{EXPORT}/dex_nobody/file", None, 404),
    ],
)
def test_what_makes_no_sense_writes_nothing(verb, url, body, status, jing):
    answer = getattr(jing, verb)(url, body, format="json")
    assert answer.status_code == status
    assert answer["Content-Type"].startswith("application/problem+json")
    assert not DataExport.objects.exists()
    assert not Erasure.objects.exists()


@pytest.mark.parametrize(
    ("verb", "url"),
    [
        ("get", EXPORT),
        ("post", EXPORT),
        ("get", ERASURE),
        ("post", ERASURE),
        ("delete", ERASURE),
    ],
)
def test_strangers_and_logins_without_a_member_are_refused(verb, url, dana):
    assert getattr(APIClient(), verb)(url).status_code == 401
    staff = APIClient()
    staff.force_authenticate(dana)
    assert getattr(staff, verb)(url).status_code == 403


# --- To be forgotten ----------------------------------------------------------


def test_erasure_is_confirmed_shown_and_called_off(jing):
    asked = jing.post(ERASURE, {"confirm": me().number})
    assert asked.status_code == 202
    assert jing.get(ERASURE).json() == asked.json()
    assert jing.delete(ERASURE).status_code == 204
    assert jing.get(ERASURE).status_code == 404
    assert Erasure.objects.get().state == "cancelled"


def test_after_the_erasure_nobody_signs_in(jing):
    jing.post(ERASURE, {"confirm": me().number})
    pk = me().pk
    assert start_due_erasures(now=now() + timedelta(days=8)) == 1
    late = jing.delete(ERASURE)
    assert (late.status_code, late.json()["code"]) == (409, "erasure_too_late")
    run_all_queued()
    assert Member.objects.get(pk=pk).state == "erased"
    assert jing.get("/api/storefront/v1/me").status_code == 401
    assert log_in(email=ADDRESS, password=PASSWORD).status_code == 400


def test_what_staff_asked_for_is_not_called_off_by_the_member(jing, dana):
    Erasure.objects.create(
        member=me(), author=dana, state="waiting", reason="r", asked_at=now()
    )
    assert jing.get(ERASURE).status_code == 404
    assert jing.delete(ERASURE).status_code == 404
    answer = jing.post(ERASURE, {"confirm": me().number})
    assert (answer.status_code, answer.json()["code"]) == (409, "erasure_under_way")


def test_the_answers_are_described(client):
    schema = client.get("/api/storefront/v1/schema?format=json")
    assert schema.status_code == 200
    assert "/me/erasure" in schema.content.decode()
