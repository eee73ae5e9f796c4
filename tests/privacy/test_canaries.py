"""Personal data planted through every door is found nowhere in clear, and after
the erasure nowhere at all (S8)."""

import logging
import tempfile
import time
import uuid
from pathlib import Path

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from kombu.transport.memory import Channel
from rest_framework.test import APIClient

from crm.console.rules.roles import ROLES
from crm.shared import outbox
from crm.shared.clock import now
from crm.shared.jobs import run_all_queued
from crm.shared.logs import TextFormatter
from loyalty.models import PointsEntry
from loyalty.services.adjusting import grant_points
from loyalty.services.verification import verify_ledger
from members.models import DataExport, Erasure, Member, Note
from members.services.erasing import approve_erasure, ask_for_erasure
from tests.console.shop import logins
from tests.members.api.signing_in import PASSWORD, log_in, sign_up
from tests.privacy.canaries import canary, forms, found_in
from tests.privacy.places import (
    Listener,
    data_folders,
    everywhere,
    marks_of,
    opened,
)
from tests.staff import client_of

API = "/api/storefront/v1"
BIRDS = [canary(n) for n in range(5)]


@pytest.fixture
def listener():
    handler = Listener()
    handler.setFormatter(TextFormatter())
    root, levels = logging.getLogger(), {}
    for name in ["", "django", "django.request", "crm", "members", "celery"]:
        each = logging.getLogger(name)
        levels[each] = each.level
        each.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield handler
    root.removeHandler(handler)
    for each, level in levels.items():
        each.setLevel(level)


@pytest.fixture
def files(settings, tmp_path, monkeypatch):
    # What a library leaves in the temporary folder is found, too.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path)},
        },
    }
    cache.clear()
    for queue in Channel.queues.values():
        queue.queue.clear()
    return data_folders(tmp_path)


# --- The doors ----------------------------------------------------------------


def by_storefront(bird) -> Member:
    """Sign up, complete the profile, complain twice (the second time repeated)."""
    token = sign_up(email=bird.email, password=PASSWORD, name=bird.name).json()
    client = APIClient(headers={"X-Session-Token": token["meta"]["session_token"]})
    patch = {"phone": bird.phone, "birthday": bird.birthday}
    key = {"Idempotency-Key": str(uuid.uuid4())}
    assert client.patch(f"{API}/me", patch, format="json").status_code == 200
    ticket = {"kind": "complaint", "subject": "box", "text": bird.complaint}
    for _again in range(2):
        answer = client.post(f"{API}/me/tickets", ticket, format="json", headers=key)
        assert answer.status_code == 201, answer.content
    said = {"text": bird.note}
    place = f"{API}/me/tickets/{answer.json()['id']}/messages"
    key = {"Idempotency-Key": str(uuid.uuid4())}
    assert client.post(place, said, format="json", headers=key).status_code == 201
    # Refusals must not repeat what they refuse.
    client.patch(f"{API}/me", {**patch, "phone": bird.email}, format="json")
    client.patch(f"{API}/me", {bird.name: bird.phone}, format="json")
    log_in(email=bird.email, password="wrong-" + bird.phone)
    client.post(f"{API}/me/data-export")
    return Member.objects.latest("id")


def by_file(bird, staff: Client, *, confirm: bool = True) -> Member | None:
    """Upload a spreadsheet; ``confirm`` brings it in, else it stays a trial."""
    rows = (
        "name,phone,email,birthday\n"
        f"{bird.name},{bird.phone},{bird.email},{bird.birthday}\n"
    )
    file = SimpleUploadedFile("new.csv", rows.encode(), content_type="text/csv")
    trial = staff.post(
        reverse("admin:members_member_import"),
        {"import_file": file, "format": "0", "resource": ""},
    )
    if not confirm:
        return None
    filled = trial.context["confirm_form"].initial
    staff.post(
        reverse("admin:members_member_process_import"),
        {name: value or "" for name, value in filled.items()},
    )
    return Member.objects.latest("id")


def by_staff(bird, member: Member, staff: Client) -> None:
    """Look the member up, open page and form, correct, note, and reveal."""
    page = reverse("admin:member_page", args=[member.public_id])
    listing = reverse("admin:members_member_changelist")
    for text in (bird.name, bird.phone, bird.email):
        assert member.number in staff.get(listing, {"q": text}).content.decode()
        staff.get(reverse("admin:search"), {"s": text})
        staff.post(
            reverse("admin:members_member_save_view"),
            {"name": "mine", "query": f"q={bird.phone}&state__exact=active"},
        )
    staff.post(f"{page}note/", {"text": bird.note})
    staff.post(f"{page}note/", {"text": bird.complaint})
    form = reverse("admin:members_member_change", args=[member.pk])
    staff.get(form)
    staff.post(
        form,
        {
            "name": bird.name,
            "phone": bird.phone,
            "email": bird.email,
            "birthday": bird.birthday,
            "language": "en",
        },
    )
    for field in ("phone", "email", "birthday"):
        staff.post(
            reverse("admin:member_reveal", args=[member.public_id, field]),
            {"reason": "call back"},
        )


def plant(users) -> list[Member]:
    """Bring five people in; return them in the order of ``BIRDS``."""
    support, owner = client_of(users["support"]), client_of(users["owner"])
    members = [by_storefront(BIRDS[0]), by_storefront(BIRDS[1])]
    members += [by_file(bird, support) for bird in BIRDS[2:]]
    for bird, member in zip(BIRDS[2:], members[2:], strict=True):
        by_staff(bird, member, support)
    by_file(BIRDS[4], support, confirm=False)
    for clear in ({}, {"clear": "on", "reason": "printer"}):
        url = reverse("admin:members_member_export")
        columns = owner.get(url).context["form"].fields
        data = {name: "on" for name, f in columns.items() if f.initial is True}
        owner.post(url, {**data, "format": "0", "resource": "", **clear})
    for n, member in enumerate(members):
        grant_points(
            member_id=member.pk,
            points=100 + n,
            reason="welcome",
            actor="tests",
            source=f"test:{n}",
            now=now(),
        )
    outbox.relay(now=now())
    run_all_queued()
    time.sleep(0.5)  # hints leave by a thread of their own
    return members


# --- The search ---------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_canaries(listener, files):
    users = logins()
    members = plant(users)

    kept = opened()
    assert {
        field
        for bird in BIRDS
        for field, value in bird.values.items()
        if not any(value.encode() in content for content in kept.values())
    } == set(), "a canary was not planted: the search would prove nothing"
    places = everywhere(listener, files)
    assert {"logs", "broker", "cache", "sessions", "members_member.phone"} <= set(
        places
    )
    assert places["logs"]
    assert any(name.endswith(".sealed") for name in places)
    assert found_in(places, BIRDS) == []
    assert any(mark in places["members_member.email_index"] for mark in marks())

    screens(users, members)

    points = list(PointsEntry.objects.order_by("id").values_list("points", flat=True))
    for member in members:
        asked = ask_for_erasure(
            member_id=member.pk, reason="letter", author=users["support"], now=now()
        )
        approve_erasure(erasure_id=asked.pk, approver=users["owner"], now=now())
    run_all_queued()
    assert set(Erasure.objects.values_list("state", flat=True)) == {"done"}
    forget_uploads(files)

    listener.lines.clear()
    after = everywhere(listener, files)
    assert found_in(after, BIRDS) == []
    assert found_in(opened(), BIRDS) == []
    assert [
        place
        for place, content in after.items()
        if any(mark in content for mark in marks())
    ] == []
    assert not Note.objects.exists()
    assert set(DataExport.objects.values_list("file", flat=True)) <= {""}
    assert points == list(
        PointsEntry.objects.order_by("id").values_list("points", flat=True)
    )
    assert not verify_ledger().findings


def marks() -> set[bytes]:
    return marks_of([value for bird in BIRDS for value in bird.values.values()])


def forget_uploads(folders: list[Path]) -> None:
    """Let the trial run that nobody confirmed end, as a day does."""
    for folder in folders:
        for path in folder.glob("uploads/*.sealed"):
            path.unlink()


def screens(users, members) -> None:
    """No role finds on any page what it may not see; the analyst not even masks."""
    for role in ROLES:
        client = client_of(users[role])
        seen = "\n".join(pages(client, members))
        shown = {
            field
            for bird in BIRDS
            for field, value in bird.values.items()
            if any(form in seen.encode() for form in forms(value))
        }
        held = set(ROLES[role])
        allowed = set()
        if "members.view_pii" in held:
            allowed |= {"name"}
        if "members.view_note" in held or "care.view_ticket" in held:
            allowed |= {"note", "complaint"}
        assert shown <= allowed, role
        masks = [f"139****{bird.phone[-4:]}" in seen for bird in BIRDS] + [
            "鹮**" in seen
        ]
        assert any(masks) is ("members.view_masked" in held), role
        assert members[0].number in seen


def pages(client: Client, members) -> list[str]:
    """Return what a login sees of lists, pages, search and export."""
    urls = [reverse("admin:index")]
    for model in admin.site._registry:
        name = model._meta.label_lower.replace(".", "_")
        urls.append(reverse(f"admin:{name}_changelist"))
        # The form of a member in clear is a reveal: budgeted and recorded.
        if model is not Member:
            urls += [
                reverse(f"admin:{name}_change", args=[pk])
                for pk in model._default_manager.order_by("-pk").values_list(
                    "pk", flat=True
                )[:8]
            ]
    for member in members:
        urls += [
            reverse(f"admin:{name}", args=[member.public_id])
            for name in ("member_page", "member_timeline")
        ]
    texts = [client.get(url).content.decode() for url in urls]
    for bird in BIRDS:
        # The address repeats what was typed, so only what was found is looked at.
        found = client.get(reverse("admin:search"), {"s": bird.email, "extended": "1"})
        texts.append(found.content.decode().replace(bird.email, ""))
    url = reverse("admin:members_member_export")
    answer = client.get(url)
    if answer.status_code == 200:
        columns = answer.context["form"].fields
        data = {name: "on" for name, f in columns.items() if f.initial is True}
        taken = client.post(url, {**data, "format": "0", "resource": ""})
        texts.append(taken.content.decode("utf-8-sig"))
    return texts
