"""The waiting room of an import: rows of the file in two unlogged tables.

Unlogged tables outlive a killed program but not a crash of the database, after which
they are empty: ``is_whole`` tells, and the file is read again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from psycopg import sql

from orders.models import ImportIssue
from orders.rules.online_retail import Issue

_ROWS = """
CREATE UNLOGGED TABLE {rows} (
    row integer NOT NULL, kind text NOT NULL, invoice text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL, description text NOT NULL,
    quantity integer NOT NULL, at timestamptz NOT NULL, price_minor bigint NOT NULL,
    customer text COLLATE "C" NOT NULL, country text NOT NULL
)
"""
_COPY = """
COPY {rows} (row, kind, invoice, sku, description, quantity, at, price_minor,
             customer, country) FROM STDIN
"""
#: An invoice belongs to the first customer it names; rows of another go.
_DROP_STRANGERS = """
WITH owner AS (
    SELECT DISTINCT ON (invoice) invoice, customer FROM {rows}
     WHERE customer <> '' ORDER BY invoice, row
), stranger AS (
    DELETE FROM {rows} r USING owner
     WHERE r.invoice = owner.invoice AND r.customer <> ''
       AND r.customer <> owner.customer
    RETURNING r.row, r.customer, r.invoice
)
INSERT INTO orders_importissue
       (batch_id, "row", "column", code, value, invoice, is_stored)
SELECT %(batch)s, row, 'CustomerID', 'another_customer', left(customer, 80),
       left(invoice, 40), false FROM stranger
ON CONFLICT DO NOTHING
"""
#: An invoice happened at its first moment (43 of the real ones name two).
_INVOICES = """
CREATE UNLOGGED TABLE {invoices} AS
SELECT row_number() OVER (ORDER BY min(row)) AS seq, invoice, min(kind) AS kind,
       min(at) AS at, max(customer) AS customer,
       (array_agg(country ORDER BY row))[1] AS country, count(*) AS rows
  FROM {rows} GROUP BY invoice
"""
_INDEXES = """
CREATE INDEX ON {rows} (invoice);
CREATE INDEX ON {rows} (sku);
CREATE INDEX ON {invoices} (seq);
CREATE INDEX ON {invoices} (customer);
ANALYZE {rows};
ANALYZE {invoices};
"""


class Staging:
    """The two tables of one batch, and how to ask them."""

    def __init__(self, batch_id: int) -> None:
        """Name the tables; nothing is made yet."""
        self.batch_id = batch_id
        self._names = {
            "rows": sql.Identifier(f"orders_import_{batch_id}_rows"),
            "invoices": sql.Identifier(f"orders_import_{batch_id}_invoices"),
        }

    def query(self, text: str) -> sql.Composed:
        """Return SQL with ``{rows}`` and ``{invoices}`` put in."""
        return sql.SQL(text).format(**self._names)  # type: ignore[arg-type]

    def run(self, text: str, params: dict[str, Any] | None = None) -> int:
        """Run a statement and return how many rows it touched."""
        with connection.cursor() as cursor:
            cursor.execute(self.query(text), params)
            return cursor.rowcount

    def fetch(self, text: str, params: dict[str, Any] | None = None) -> list[tuple]:
        """Run a query and return its rows."""
        with connection.cursor() as cursor:
            cursor.execute(self.query(text), params)
            return cursor.fetchall()

    def prepare(self) -> None:
        """Make the empty table for rows, in place of what an earlier try left."""
        self.drop()
        self.run(_ROWS)

    def copy(self, rows: Sequence[tuple]) -> None:
        """Append rows, in the order of ``orders.rules.online_retail.Row``."""
        with connection.cursor() as cursor, cursor.copy(self.query(_COPY)) as copy:
            for row in rows:
                copy.write_row(row)

    def sort(self) -> None:
        """Gather rows into invoices once all are there."""
        self.run(_DROP_STRANGERS, {"batch": self.batch_id})
        self.run(_INVOICES)
        self.run(_INDEXES)

    def is_whole(self) -> bool:
        """Whether both tables are there with their rows."""
        found = self.fetch(
            "SELECT to_regclass(%(rows)s) IS NOT NULL"
            " AND to_regclass(%(invoices)s) IS NOT NULL",
            {name: part.as_string() for name, part in self._names.items()},
        )
        return found[0][0] and bool(self.fetch("SELECT 1 FROM {rows} LIMIT 1"))

    def drop(self) -> None:
        """Take both tables away."""
        self.run("DROP TABLE IF EXISTS {rows}, {invoices}")


@dataclass(frozen=True, slots=True)
class Work:
    """What every step of an import is told."""

    staging: Staging
    source: str
    currency: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Piece:
    """What one call of a step did, in one transaction.

    ``next`` is where the step goes on, None when it is through; ``rows`` how many
    rows of the file it stored; ``counts`` what they became.
    """

    next: Any
    rows: int = 0
    counts: dict[str, int] = field(default_factory=dict)


def note_issues(issues: Sequence[Issue], *, batch_id: int) -> None:
    """Keep issues; the same one twice is kept once."""
    ImportIssue.objects.bulk_create(
        [
            ImportIssue(
                batch_id=batch_id,
                row=issue.row,
                column=issue.column,
                code=issue.code,
                value=_storable(issue.value),
                invoice=_storable(issue.invoice),
                is_stored=issue.is_stored,
            )
            for issue in issues
        ],
        ignore_conflicts=True,
        batch_size=2000,
    )


def blocks_of(items: Iterator[Any], *, size: int) -> Iterator[list[Any]]:
    """Yield lists of up to ``size`` items."""
    block: list[Any] = []
    for item in items:
        block.append(item)
        if len(block) == size:
            yield block
            block = []
    if block:
        yield block


def _storable(text: str) -> str:
    """Return text with what PostgreSQL or a screen cannot show made visible."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
