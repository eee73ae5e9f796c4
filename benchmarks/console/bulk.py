"""Write millions of rows into a few tables: what is kept per row comes afterwards."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection

#: For this session alone: memory to sort in, and neither triggers nor foreign keys.
_SETTINGS = {
    "maintenance_work_mem": "512MB",
    "work_mem": "256MB",
    "session_replication_role": "replica",
}
#: (how it goes, how it comes back) of every index and unique constraint but those that
#: foreign keys, and with them primary keys, rest on.
_INDEXES = """
    SELECT coalesce('ALTER TABLE ' || i.indrelid::regclass
                    || ' DROP CONSTRAINT ' || quote_ident(c.conname),
                    'DROP INDEX ' || i.indexrelid::regclass),
           coalesce('ALTER TABLE ' || i.indrelid::regclass || ' ADD CONSTRAINT '
                    || quote_ident(c.conname) || ' ' || pg_get_constraintdef(c.oid),
                    pg_get_indexdef(i.indexrelid))
    FROM pg_index i
    LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype IN ('u', 'x')
    WHERE i.indrelid = ANY(%s::regclass[]) AND NOT i.indisprimary
      AND NOT EXISTS (SELECT FROM pg_constraint f
                      WHERE f.conindid = i.indexrelid AND f.contype = 'f')
    ORDER BY i.indrelid, i.indexrelid"""


@contextmanager
def in_bulk(tables: Sequence[str]) -> Iterator[None]:
    """Let rows be written to ``tables`` unchecked, and index them at the end.

    An index built from sorted rows takes a fraction of what as many insertions take,
    and is a third smaller. Foreign keys and triggers stay silent: who writes here
    answers for the rows (``tests/console/test_ways.py`` looks whether they point at
    rows that are there).
    """
    with connection.cursor() as cursor:
        cursor.execute(_INDEXES, [list(tables)])
        indexes = cursor.fetchall()
        for name, value in _SETTINGS.items():
            cursor.execute(f"SET {name} = '{value}'")
        for drop, _make in indexes:
            cursor.execute(drop)
        yield
        for _drop, make in indexes:
            cursor.execute(make)
        for name in _SETTINGS:
            cursor.execute(f"RESET {name}")
