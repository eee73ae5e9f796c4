"""Files to bring in, and ways to look at what came of them."""

import csv
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from orders.rules.online_retail import COLUMNS
from orders.services.importing import import_orders

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
#: What a second run of a file must leave alone.
TABLES = [
    "members_member",
    "orders_product",
    "orders_variant",
    "orders_order",
    "orders_orderline",
    "orders_orderevent",
    "orders_refund",
    "orders_refundline",
    "orders_unmatchedreturn",
    "orders_adjustment",
    "orders_importbatch",
    "orders_importissue",
    "shared_fact",
]


@dataclass
class Watcher:
    """Keeps what an import tells; may stop it by raising at the n-th telling."""

    stop_at: int | None = None
    told: list = field(default_factory=list)

    def advance(self, *, done, total, message):
        self.told.append((done, total, message))
        if self.stop_at is not None and len(self.told) >= self.stop_at:
            raise Stopped


class Stopped(Exception):
    """The watcher had enough."""


def row(
    invoice,
    sku,
    quantity,
    price,
    *,
    at="2011-01-10 10:00:00",
    customer="17850",
    name="MUG",
    country="United Kingdom",
):
    return [invoice, sku, name, quantity, at, price, customer, country]


@pytest.fixture
def write_csv(tmp_path):
    """Return a function that writes rows under a heading and returns the path."""

    def write(rows, name="sales.csv", heading=COLUMNS):
        path = tmp_path / name
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(heading)
            writer.writerows(rows)
        return path

    return write


@pytest.fixture
def bring_in(write_csv):
    """Return a function that imports rows, or a path, as the profile online-retail."""

    def run(rows, *, progress=None, name="sales.csv", **options):
        path = rows if isinstance(rows, Path) else write_csv(rows, name)
        return import_orders(
            path=path,
            profile="online-retail",
            now=NOW,
            progress=progress or Watcher(),
            **options,
        )

    return run


def fingerprints(tables=TABLES):
    """Return count and content hash of tables, ids and all."""
    found = {}
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(
                "SELECT count(*), sum(hashtextextended(t::text, 0)::numeric)"
                f" FROM {table} t"
            )
            found[table] = cursor.fetchone()
    return found


#: The books by natural keys: equal for equal files, whatever ids were given out.
BOOKS = {
    "members": "SELECT external_id, joined_at, region FROM members_member",
    "articles": "SELECT v.sku, p.name, p.kind, p.is_listed, v.price_minor, p.created_at"
    " FROM orders_variant v JOIN orders_product p ON p.id = v.product_id",
    "orders": "SELECT o.number, m.external_id, o.region, o.state, o.total_minor,"
    " o.paid_minor, o.refunded_minor, o.placed_at FROM orders_order o"
    " LEFT JOIN members_member m ON m.id = o.member_id",
    "lines": "SELECT o.number, l.position, l.sku, l.name, l.kind, l.quantity,"
    " l.net_minor, l.refunded_quantity, l.refunded_minor, l.source_row"
    " FROM orders_orderline l JOIN orders_order o ON o.id = l.order_id",
    "refunds": "SELECT o.number, f.external_ref, f.amount_minor, f.completed_at"
    " FROM orders_refund f JOIN orders_order o ON o.id = f.order_id",
    "refund lines": "SELECT o.number, l.position, r.quantity, r.amount_minor,"
    " r.source_row FROM orders_refundline r"
    " JOIN orders_orderline l ON l.id = r.order_line_id"
    " JOIN orders_order o ON o.id = l.order_id",
    "events": "SELECT o.number, e.from_state, e.to_state, e.occurred_at"
    " FROM orders_orderevent e JOIN orders_order o ON o.id = e.order_id",
    "unmatched": "SELECT external_ref, source_row, quantity, amount_minor, reason"
    " FROM orders_unmatchedreturn",
    "adjustments": "SELECT external_ref, amount_minor FROM orders_adjustment",
    "issues": 'SELECT "row", "column", code, value FROM orders_importissue',
    "facts": "SELECT name FROM shared_fact",
    "batches": "SELECT state, rows_read, rows_stored, rows_reported"
    " FROM orders_importbatch",
}


def books():
    """Return count and hash of everything an import wrote, without its ids."""
    found = {}
    with connection.cursor() as cursor:
        for name, query in BOOKS.items():
            cursor.execute(
                "SELECT count(*), sum(hashtextextended(t::text, 0)::numeric)"
                f" FROM ({query}) t"
            )
            found[name] = cursor.fetchone()
    return found


@pytest.fixture
def online_retail():
    """Return the folder of the real file, or skip with the reason."""
    folder = settings.SHARED_DATA_DIR / "online_retail"
    if not (folder / "online_retail.csv.gz").exists():
        reason = f"{folder} is not there; set REGULARS_DATA"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
