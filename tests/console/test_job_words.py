"""Jobs bear names on screen, not the codes of the wiring."""

from django.urls import reverse

from crm import wiring
from crm.console.queries.job_words import KINDS, RESULTS
from crm.shared.models import Job
from orders.services.importing import COUNTS


def test_every_kind_of_job_has_a_name():
    assert set(wiring.JOBS) == set(KINDS)


def test_every_count_of_an_import_has_a_name():
    assert {*COUNTS, "rows_read", "rows_stored", "rows_reported"} <= set(RESULTS)


def test_the_job_page_and_list_show_names(shop, signed_in):
    job = Job.objects.get(kind="orders.import")
    Job.objects.filter(pk=job.pk).update(result={"rows_read": 7, "own_code": 8})
    client = signed_in("admin")
    page = client.get(reverse("admin:shared_job_change", args=[job.pk])).content
    text = page.decode()
    assert "Import of orders" in text
    assert "Rows read" in text
    assert "own_code" in text
    rows = client.get(reverse("admin:shared_job_changelist")).content.decode()
    assert "Import of orders" in rows
