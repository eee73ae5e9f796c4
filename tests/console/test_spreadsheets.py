"""Files out of the console and into it."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from crm.shared.models import AuditEntry, Job
from members.models import Member

EXPORT = "admin:members_member_export"


def taken_out(answer) -> list[dict]:
    assert answer.status_code == 200
    text = answer.content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def wanted(client, url: str, **more):
    """Return the form as a browser would send it: every column, CSV."""
    form = client.get(url).context["form"]
    data = {
        name: "on"
        for name, field in form.fields.items()
        if getattr(field, "initial", None) is True
    }
    return {**data, "format": "0", "resource": "", **more}


def test_members_go_out_masked(shop, signed_in):
    client = signed_in("marketer")
    url = reverse(EXPORT)
    answer = client.post(url, wanted(client, url))
    rows = taken_out(answer)
    assert "+86*******0003" in {row["phone"].strip("'") for row in rows}
    assert len(rows) == len(shop["members"])
    for secret in ("13800000003", "person3@example.com", "1990-02-28", "王静"):
        assert secret not in answer.content.decode()
    assert AuditEntry.objects.get(action="members.export").detail["clear"] is False


def test_members_go_out_in_clear_with_a_reason_and_the_right(shop, signed_in):
    url = reverse(EXPORT)
    owner, support = signed_in("owner"), signed_in("support")
    refused = support.post(url, wanted(support, url, clear="on", reason="want it"))
    assert refused.status_code == 403
    no_reason = owner.post(url, wanted(owner, url, clear="on", reason=" "))
    assert "13800000003" not in no_reason.content.decode()
    rows = taken_out(
        owner.post(url, wanted(owner, url, clear="on", reason="post to the printer"))
    )
    assert "+8613800000003" in {row["phone"].strip("'") for row in rows}
    entry = AuditEntry.objects.get(action="members.export")
    assert (entry.actor, entry.reason) == ("owner", "post to the printer")


def test_clear_rows_have_a_daily_budget(shop, signed_in, settings):
    url, client = reverse(EXPORT), signed_in("owner")
    settings.CLEAR_ROWS_PER_DAY = len(shop["members"])
    data = wanted(client, url, clear="on", reason="post to the printer")
    taken_out(client.post(url, data))
    refused = client.post(url, data)
    assert (refused.status_code, refused.url) == (
        302,
        reverse("admin:members_member_changelist"),
    )
    assert AuditEntry.objects.filter(action="members.export").count() == 1


def test_the_analyst_takes_out_numbers_only(shop, signed_in):
    client = signed_in("analyst")
    url = reverse(EXPORT)
    rows = taken_out(client.post(url, wanted(client, url)))
    assert {row["number"] for row in rows} == {m.number for m in shop["members"]}
    for column in ("name", "phone", "email", "birthday", "external_id"):
        assert {row[column] for row in rows} == {""}


def test_members_come_in_after_a_trial_run(shop, signed_in):
    client = signed_in("support")
    file = SimpleUploadedFile(
        "new.csv", "phone,name\n13911112222,新人\n".encode(), content_type="text/csv"
    )
    before = Member.objects.count()
    trial = client.post(
        reverse("admin:members_member_import"),
        {"import_file": file, "format": "0", "resource": ""},
    )
    assert Member.objects.count() == before
    confirm = trial.context["confirm_form"]
    client.post(
        reverse("admin:members_member_process_import"),
        {name: value or "" for name, value in confirm.initial.items()},
    )
    assert Member.objects.count() == before + 1
    assert Member.objects.latest("id").name == "新人"


def test_members_come_in_only_by_those_who_may(signed_in):
    for role in ("analyst", "marketer", "auditor", "finance"):
        answer = signed_in(role).get(reverse("admin:members_member_import"))
        assert answer.status_code == 403, role


@pytest.mark.parametrize("name", ["orders_order", "orders_product"])
def test_orders_and_products_go_out(name, signed_in):
    client = signed_in("owner")
    url = reverse(f"admin:{name}_export")
    assert taken_out(client.post(url, wanted(client, url)))


def test_a_file_of_orders_starts_a_job(shop, signed_in, settings, tmp_path):
    client = signed_in("finance")
    file = SimpleUploadedFile("orders.csv.gz", b"x", content_type="text/csv")
    answer = client.post(
        reverse("admin:order_import"), {"profile": "online-retail", "file": file}
    )
    job = Job.objects.latest("id")
    assert answer.url == reverse("admin:shared_job_change", args=[job.pk])
    assert job.kind == "orders.import"
    assert (job.owner.username, job.params["file_name"]) == ("finance", "orders.csv.gz")
    assert job.params["file"].endswith(".csv.gz")
    assert signed_in("support").get(reverse("admin:order_import")).status_code == 403
