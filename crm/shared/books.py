"""Prove that what a book says twice is the same: sums, balances, running totals."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection, transaction

#: Large books take a while; nothing is locked.
_STATEMENT_TIMEOUT = "10min"
#: Findings listed per check; a broken book can have millions.
_MOST = 100


@dataclass(frozen=True, slots=True)
class Verified:
    """How much was looked at, and one sentence per difference."""

    accounts: int
    entries: int
    findings: tuple[str, ...]


@transaction.atomic
def verify_books(*, checks: Mapping[str, str], accounts: str, entries: str) -> Verified:
    """Run the checks of a book at one moment; change nothing.

    Args:
        checks: sentence with ``{id}``, ``{found}`` and ``{expected}`` -> query of the
            rows that differ, with these three columns; at most 100 of each are told.
        accounts, entries: the tables whose rows are counted.
    """
    findings: list[str] = []
    with connection.cursor() as cursor:
        # One snapshot for all checks: sums of a living shop must not straddle a sale.
        if not connection.savepoint_ids:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, true)", [_STATEMENT_TIMEOUT]
        )
        for sentence, query in checks.items():
            cursor.execute(f"{query} ORDER BY 1 LIMIT {_MOST}")
            findings += [
                sentence.format(id=pk, found=found, expected=expected)
                for pk, found, expected in cursor.fetchall()
            ]
        cursor.execute(
            f"SELECT (SELECT count(*) FROM {accounts}),"  # noqa: S608
            f" (SELECT count(*) FROM {entries})"
        )
        counted = cursor.fetchone()
    return Verified(*counted, tuple(findings))
