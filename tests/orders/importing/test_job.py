import csv
import io

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import translation

from crm.shared.jobs import JobProgress, enqueue, retry_job, run_all_queued, run_job
from crm.shared.models import Job
from members.models import User
from orders.models import ImportBatch, OrderLine
from tests.orders.importing.conftest import NOW
from tests.orders.importing.test_import import ODD

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def upload(write_csv):
    """Return a function that uploads rows and returns a queued job."""

    def run(rows=ODD, **params):
        content = ContentFile(write_csv(rows).read_bytes())
        name = default_storage.save("imports/sales.csv", content)
        return enqueue(
            kind="orders.import",
            params={"profile": "online-retail", "file": name, **params},
            owner=None,
            now=NOW,
        )

    return run


def test_a_job_brings_a_file_in_and_keeps_its_report(upload):
    job = upload(file_name="Umsätze.csv")

    assert run_job(job.pk)

    job.refresh_from_db()
    assert (job.state, job.error) == (Job.State.DONE, "")
    assert job.result["rows_stored"] == 11
    assert job.result["orders"] == 5
    assert ImportBatch.objects.get().file_name == "Umsätze.csv"
    with default_storage.open(job.files["report"]) as file:
        lines = list(csv.DictReader(io.StringIO(file.read().decode("utf-8-sig"))))
    assert [line["line"] for line in lines] == ["8", "9"]


def test_a_file_that_cannot_be_read_fails_the_job_with_its_sentence(upload):
    job = upload(profile="shopify")

    with translation.override("en"):
        run_all_queued()

    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert "There is no import profile shopify." in job.error


def test_a_cancelled_job_goes_on_where_it_was_when_tried_again(upload, monkeypatch):
    job, staff = upload(), User.objects.create(username="dana")
    other = connection.copy()
    advance = JobProgress.advance

    def cancelled_before_orders(self, **told):
        if told.get("message") == "Orders":
            with other.cursor() as cursor:
                cursor.execute("UPDATE shared_job SET cancel_requested = true")
        advance(self, **told)

    with translation.override("en"), monkeypatch.context() as patch:
        patch.setattr(JobProgress, "advance", cancelled_before_orders)
        run_job(job.pk)
    other.close()
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED
    assert ImportBatch.objects.get().cursor["phase"] == "orders"
    assert not OrderLine.objects.exists()

    retry_job(job_id=job.pk, actor=staff, now=NOW)
    run_all_queued()

    job.refresh_from_db()
    assert (job.state, job.result["order_lines"]) == (Job.State.DONE, 7)
    assert OrderLine.objects.count() == 7
