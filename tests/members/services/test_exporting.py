"""A copy of one person's data: whole, sealed, fetched once."""

import io
import json
import zipfile
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.core.files.storage import default_storage
from django.db import connection

from crm.shared.jobs import run_all_queued
from crm.shared.models import AuditEntry, Job
from members.models import DataExport, Note
from members.services.exporting import (
    ExportGone,
    ExportNotReady,
    TooManyExports,
    ask_for_export,
    expire_exports,
    fetch_export,
    write_export,
)
from members.services.freezing import ReasonMissing
from tests.cast import NOON, allow, make_member, make_user

HOURS_24 = timedelta(hours=24)


@pytest.fixture
def jing(db):
    member = make_member(
        7,
        name="王静",
        phone="+8613800001234",
        email="jing@example.com",
        birthday="1990-02-28",
        user=make_user("jing"),
    )
    Note.objects.create(member=member, text="喜欢电话联系", created_at=NOON)
    allow(member, "sms")
    return member


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path)},
        },
    }
    return tmp_path


def ready(member, now=NOON):
    export = ask_for_export(member_id=member.pk, now=now)
    write_export(public_id=export.public_id, now=now)
    export.refresh_from_db()
    return export


def opened(content):
    return zipfile.ZipFile(io.BytesIO(content))


def test_the_copy_holds_what_every_app_knows_in_clear(jing):
    export = ready(jing)
    files = opened(fetch_export(public_id=export.public_id, actor=jing.user, now=NOON))
    assert files.namelist() == ["data.json", "page.en.html", "page.zh-hans.html"]
    whole = json.loads(files.read("data.json"))
    (person,) = whole["data"]["members.Member"]
    assert (person["name"], person["phone"], person["email"], person["birthday"]) == (
        "王静",
        "+8613800001234",
        "jing@example.com",
        "1990-02-28",
    )
    assert whole["data"]["members.Note"][0]["text"] == "喜欢电话联系"
    assert whole["data"]["members.Consent"][0]["purpose"] == "marketing"
    assert whole["member"] == jing.number


def test_the_page_reads_in_both_languages(jing):
    Note.objects.create(member=jing, text="<script>x</script>", created_at=NOON)
    export = ready(jing)
    files = opened(fetch_export(public_id=export.public_id, actor=jing.user, now=NOON))
    for language in ("en", "zh-hans"):
        page = files.read(f"page.{language}.html").decode()
        assert f'<html lang="{language}">' in page
        assert "王静" in page
        assert "<script>" not in page
    english = files.read("page.en.html").decode()
    assert "E-mail" in english
    assert "Purpose" in english


def test_other_members_are_not_in_the_copy(jing):
    other = make_member(8, name="李伟", phone="+8613800009999")
    Note.objects.create(member=other, text="somebody else", created_at=NOON)
    files = opened(
        fetch_export(public_id=ready(jing).public_id, actor=jing.user, now=NOON)
    )
    for name in files.namelist():
        text = files.read(name).decode()
        assert "李伟" not in text
        assert "9999" not in text
        assert "somebody else" not in text


def test_the_file_at_rest_is_sealed(jing, own_files):
    ready(jing)
    (file,) = [path for path in own_files.rglob("*") if path.is_file()]
    content = file.read_bytes()
    assert b"PK" not in content[:4]
    for secret in ("王静", "13800001234", "jing@example.com"):
        assert secret.encode() not in content


def test_it_is_fetched_once_and_leaves_no_file(jing, own_files):
    export = ready(jing)
    fetch_export(public_id=export.public_id, actor=jing.user, now=NOON)
    with pytest.raises(ExportGone):
        fetch_export(public_id=export.public_id, actor=jing.user, now=NOON)
    export.refresh_from_db()
    assert (export.state, export.file, export.fetched_at) == ("fetched", "", NOON)
    assert not [path for path in own_files.rglob("*") if path.is_file()]
    actions = AuditEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(actions) == ["members.export_data.ask", "members.export_data.fetch"]


def test_it_waits_24_hours_and_not_a_moment_longer(jing):
    export = ready(jing)
    assert expire_exports(now=NOON + HOURS_24 - timedelta(seconds=1)) == 0
    with pytest.raises(ExportGone):
        fetch_export(public_id=export.public_id, actor=jing.user, now=NOON + HOURS_24)
    file = export.file
    assert default_storage.exists(file)
    assert expire_exports(now=NOON + HOURS_24) == 1
    assert not default_storage.exists(file)
    export.refresh_from_db()
    assert (export.state, export.file) == ("expired", "")


def test_asking_twice_is_one_copy_and_one_job(jing):
    first = ask_for_export(member_id=jing.pk, now=NOON)
    assert ask_for_export(member_id=jing.pk, now=NOON) == first
    assert Job.objects.count() == 1
    with pytest.raises(ExportNotReady):
        fetch_export(public_id=first.public_id, actor=jing.user, now=NOON)
    fetched = ready(jing)
    fetch_export(public_id=fetched.public_id, actor=jing.user, now=NOON)
    assert ask_for_export(member_id=jing.pk, now=NOON) != first


def test_an_overdue_copy_makes_room_for_a_new_one(jing):
    first = ready(jing)
    second = ask_for_export(member_id=jing.pk, now=NOON + HOURS_24)
    first.refresh_from_db()
    assert (first.state, second.state) == ("expired", "preparing")


def test_a_copy_whose_making_failed_makes_room_after_a_day(jing):
    first = ask_for_export(member_id=jing.pk, now=NOON)
    assert expire_exports(now=NOON + HOURS_24 - timedelta(seconds=1)) == 0
    assert ask_for_export(member_id=jing.pk, now=NOON + HOURS_24) != first


def test_five_copies_a_day_are_enough(jing):
    for _copy in range(5):
        export = ready(jing)
        fetch_export(public_id=export.public_id, actor=jing.user, now=NOON)
    with pytest.raises(TooManyExports):
        ask_for_export(member_id=jing.pk, now=NOON)
    assert DataExport.objects.count() == 5
    ask_for_export(member_id=jing.pk, now=NOON + HOURS_24)


def test_staff_say_why(jing, dana):
    with pytest.raises(ReasonMissing):
        ask_for_export(member_id=jing.pk, actor=dana, reason=" ", now=NOON)
    assert not DataExport.objects.exists()
    ask_for_export(member_id=jing.pk, actor=dana, reason="letter of 3 May", now=NOON)
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.reason) == ("dana", "letter of 3 May")


def test_the_job_makes_it_and_a_second_run_changes_nothing(jing):
    export = ask_for_export(member_id=jing.pk, now=NOON)
    run_all_queued()
    export.refresh_from_db()
    assert export.state == "ready"
    file = export.file
    write_export(public_id=export.public_id, now=NOON)
    export.refresh_from_db()
    assert export.file == file
    assert Job.objects.get().state == "done"
    assert "王" not in json.dumps(Job.objects.values_list("params", "result")[0])


@pytest.mark.django_db(transaction=True)
def test_of_two_who_fetch_at_once_one_gets_it(own_files):
    member = make_member(7, name="王静", user=make_user("jing"))
    export = ready(member)
    barrier, answers = Barrier(2), []

    def fetch():
        try:
            barrier.wait()
            fetch_export(public_id=export.public_id, actor=member.user, now=NOON)
            answers.append("got it")
        except ExportGone:
            answers.append("gone")
        finally:
            connection.close()

    threads = [Thread(target=fetch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["gone", "got it"]
