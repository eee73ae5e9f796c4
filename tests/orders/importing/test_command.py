import csv
import io

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from orders.models import ImportBatch, Order
from tests.orders.importing.conftest import fingerprints
from tests.orders.importing.test_import import ODD

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def run(*args):
    out = io.StringIO()
    call_command(
        "import_orders", *map(str, args), stdout=out, stderr=out, no_color=True
    )
    return out.getvalue()


def test_says_what_was_done_and_writes_the_report(write_csv, tmp_path):
    report = tmp_path / "errors.csv"

    said = run(write_csv(ODD), "--profile", "online-retail", "--report", report)

    assert "12 rows read = 11 stored + 1 reported." in said
    assert "MB of memory." in said
    assert report.read_bytes().startswith(b"\xef\xbb\xbf")
    with report.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [(line["line"], line["outcome"]) for line in lines] == [
        ("8", "stored"),
        ("9", "left out"),
    ]


def test_a_second_run_says_so(write_csv):
    path = write_csv(ODD)
    run(path, "--profile", "online-retail")
    before = fingerprints()

    said = run(path, "--profile", "online-retail")

    assert "This file was already imported: 0 changes." in said
    assert fingerprints() == before


def test_a_dry_run_writes_the_report_only(write_csv, tmp_path):
    report = tmp_path / "errors.csv"

    said = run(
        write_csv(ODD), "--profile", "online-retail", "--dry-run", "--report", report
    )

    assert "Dry run: nothing was written." in said
    assert "2 remarks" in said
    assert len(report.read_text(encoding="utf-8-sig").splitlines()) == 3
    assert not ImportBatch.objects.exists()
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("_case", "args", "sentence"),
    [
        ("no file", ["none.csv", "--profile", "online-retail"],
         "none.csv cannot be opened: No such file or directory"),
        ("no profile", ["{file}", "--profile", "shopify"],
         "There is no import profile shopify. There is: online-retail."),
        ("no folder", ["{file}", "--profile", "online-retail", "--report", "/none/e.csv"],
         "There is no folder /none."),
        ("other money", ["{file}", "--profile", "online-retail", "--currency", "GBP"],
         "This shop keeps its books in CNY and cannot add GBP. Leave the currency out "
         "to take the amounts as CNY, or set CRM_CURRENCY."),
    ],
)  # fmt: skip
def test_a_refusal_is_one_sentence(write_csv, _case, args, sentence):
    path = write_csv(ODD)
    before = fingerprints()

    with pytest.raises(CommandError) as refused:
        run(*[str(path) if arg == "{file}" else arg for arg in args])

    assert str(refused.value) == sentence
    assert refused.value.returncode == 1
    assert fingerprints() == before
