"""The real file: counts and money to the penny, stops and restarts, memory."""

import csv
import gzip
import json
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, connections
from django.db.models import F, Sum

from members.models import Member
from orders.models import (
    Adjustment,
    ImportBatch,
    ImportIssue,
    Order,
    OrderLine,
    Refund,
    RefundLine,
    UnmatchedReturn,
    Variant,
)
from orders.queries.revenue import net_by_member, net_by_month
from tests import database
from tests.orders.importing.conftest import books, fingerprints

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.data,
    pytest.mark.slow,
]
ROOT = Path(settings.BASE_DIR)
MOST_SECONDS = 150
MOST_MEGABYTES = 500
#: The first rows of the file: some three weeks.
PART = 40_000
FEWEST_KILLS = 3
MOST_TRIES = 8


def command(path, *options):
    """Start the real command in a process of its own on the test's database."""
    return subprocess.Popen(
        [
            sys.executable, "manage.py", "import_orders", str(path),
            "--profile", "online-retail", "--skip-checks", *options,
        ],
        cwd=ROOT,
        env=database.environment_for(connection.settings_dict["NAME"]),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip


def finish(process):
    said, _ = process.communicate(timeout=600)
    assert process.returncode == 0, said
    return said


@pytest.fixture(scope="module")
def references():
    path = settings.SHARED_DATA_DIR / "references.json"
    return json.loads(path.read_text("utf-8"))["online_retail"]


def minor(amount):
    return round(amount * 100)


def test_the_whole_file_agrees_with_the_references(online_retail, references):
    path = online_retail / "online_retail.csv.gz"

    said = finish(command(path))

    seconds, megabytes = re.search(r"([0-9.]+) s, at most ([0-9]+) MB", said).groups()
    print(f"whole file: {seconds} s, {megabytes} MB")
    assert float(seconds) < MOST_SECONDS
    assert 0 < int(megabytes) < MOST_MEGABYTES
    _rows_are_all_accounted_for(references)
    _money_is_exact(path, references)
    _refunds_are_within_what_was_bought()

    before = fingerprints()
    assert "already imported: 0 changes" in finish(command(path))
    assert fingerprints() == before


def _rows_are_all_accounted_for(references):
    batch = ImportBatch.objects.get()
    assert batch.rows_read == references["rows"]
    assert batch.rows_read == batch.rows_stored + batch.rows_reported
    rows = (
        set(OrderLine.objects.values_list("source_row", flat=True))
        | set(RefundLine.objects.values_list("source_row", flat=True))
        | set(UnmatchedReturn.objects.values_list("source_row", flat=True))
        | set(Adjustment.objects.values_list("source_row", flat=True))
    )
    left_out = ImportIssue.objects.filter(is_stored=False)
    reported = set(left_out.values_list("row", flat=True))
    assert (len(rows), len(reported)) == (batch.rows_stored, batch.rows_reported)
    assert rows | reported == set(range(2, references["rows"] + 2))
    assert set(left_out.values_list("code", flat=True)) == {"write_off"}
    assert len(reported) == references["negative_quantity_not_C"]
    assert Counter(
        ImportIssue.objects.filter(is_stored=True).values_list("code", "value")
    ) == {("price_rounded", "0.001"): 4}

    assert Member.objects.count() == references["customers"]
    invoices = (
        set(Order.objects.values_list("external_ref", flat=True))
        | set(Refund.objects.values_list("external_ref", flat=True))
        | set(UnmatchedReturn.objects.values_list("external_ref", flat=True))
        | set(Adjustment.objects.values_list("external_ref", flat=True))
        | set(left_out.values_list("invoice", flat=True))
    )
    assert len(invoices) == references["invoices"]
    assert Adjustment.objects.count() == references["bad_debt_lines_A"]
    returns = [ref for ref in invoices if ref.startswith("C")]
    assert len(returns) == references["cancel_invoices_C"]
    assert Variant.objects.values("sku").distinct().count() == Variant.objects.count()


def _money_is_exact(path, references):
    months = references["net_revenue_all_rows_per_month"]
    assert net_by_month() == {month: minor(amount) for month, amount in months.items()}
    assert sum(net_by_month().values()) == minor(
        references["sum_quantity_x_price_all_rows"]
    )
    by_number = _by_customer(path)
    numbers = dict(Member.objects.values_list("pk", "external_id")) | {None: ""}
    found = {numbers[pk]: net for pk, net in net_by_member().items()}
    assert found == by_number
    assert sum(net for number, net in found.items() if number) == minor(
        references["net_with_customer"]
    )
    for number, net in references["net_value_by_customer_top6"].items():
        assert found[number] == minor(net)
    assert (found["12346"], found["16446"]) == (0, 290)
    assert (
        sum(net < 0 for n, net in found.items() if n)
        == (references["net_negative_customers"])
    )
    assert (
        sum(net == 0 for n, net in found.items() if n)
        == (references["net_zero_customers"])
    )


def _by_customer(path):
    net = Counter()
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if not row["InvoiceNo"].startswith("A"):
                amount = Decimal(row["UnitPrice"]) * int(row["Quantity"]) * 100
                net[row["CustomerID"]] += int(amount)
    return dict(net)


def _refunds_are_within_what_was_bought():
    lines = OrderLine.objects.annotate(
        given=Sum("refund_lines__amount_minor"), units=Sum("refund_lines__quantity")
    ).filter(given__isnull=False)
    assert not lines.exclude(given=F("refunded_minor")).exists()
    assert not lines.exclude(units=F("refunded_quantity")).exists()
    assert not OrderLine.objects.filter(refunded_minor__gt=F("net_minor")).exists()
    assert not RefundLine.objects.filter(
        refund__completed_at__lt=F("order_line__order__placed_at")
    ).exists()
    sums = Order.objects.aggregate(
        orders=Sum("refunded_minor"), lines=Sum("lines__refunded_minor")
    )
    assert Refund.objects.aggregate(all=Sum("amount_minor"))["all"] == sums["lines"]


@pytest.fixture
def part(online_retail, tmp_path):
    """Return a file with the first rows of the real one."""
    path = tmp_path / "part.csv"
    with (
        gzip.open(
            online_retail / "online_retail.csv.gz", "rt", encoding="utf-8"
        ) as all_,
        path.open("w", encoding="utf-8") as some,
    ):
        for _, line in zip(range(PART + 1), all_, strict=False):
            some.write(line)
    return path


@pytest.mark.kill
def test_killed_at_any_moment_it_goes_on_to_the_same_books(part):
    seconds = float(re.search(r"([0-9.]+) s, at most", finish(command(part)))[1])
    wanted = books()
    assert wanted["lines"][0] > 30_000
    _begin_anew()

    seed = random.randrange(10**6)
    chance, kills = random.Random(seed), []
    for _ in range(MOST_TRIES):
        process = command(part)
        _wait_until_it_works(process)
        time.sleep(chance.uniform(0, seconds))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills.append(ImportBatch.objects.values_list("cursor", flat=True).first())
        else:  # Too late: it was through. Kill the next one.
            assert books() == wanted, f"seed {seed}: killed at {kills}"
            if len(kills) >= FEWEST_KILLS:
                return
            _begin_anew()
    finish(command(part))

    assert len(kills) >= FEWEST_KILLS
    assert books() == wanted, f"seed {seed}: killed at {kills}"


def _begin_anew():
    name = connections["default"].settings_dict["NAME"]
    connections.close_all()
    database.renew(name)


def _wait_until_it_works(process):
    """Wait until the process holds the place of the only import, or has ended."""
    query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    while process.poll() is None:
        with connection.cursor() as cursor:
            cursor.execute(query + " AND database = (SELECT oid FROM pg_database"
                           " WHERE datname = current_database())")  # fmt: skip
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)


@pytest.mark.kill
def test_two_at_once_bring_each_row_in_once(part):
    processes = [command(part), command(part)]
    said = [process.communicate(timeout=600)[0] for process in processes]

    assert sorted(process.returncode for process in processes) in ([0, 0], [0, 1])
    for process, text in zip(processes, said, strict=True):
        if process.returncode:
            assert "Another import of this kind is running." in text
    assert ImportBatch.objects.get().rows_read == PART
    assert OrderLine.objects.count() == (
        OrderLine.objects.values("source_row").distinct().count()
    )


def test_the_workbook_of_december_agrees_with_the_references(online_retail, references):
    finish(command(online_retail / "online_retail_2010-12.xlsx"))

    assert net_by_month() == {
        "2010-12": minor(references["net_revenue_all_rows_per_month"]["2010-12"])
    }
