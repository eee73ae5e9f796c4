"""Statements that PostgreSQL plans once per connection, for what every order runs.

Django writes parameters into the text of a statement, so PostgreSQL parses and plans it
each time, which for a wide statement takes longer than running it. Statements run here
keep parameters apart; the driver prepares one when it comes often enough
(``CRM_PREPARE_THRESHOLD``). Everything else is a cursor of Django: transactions, errors
and the log of queries are the same.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import orjson
import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorDebugWrapper, CursorWrapper
from psycopg.types.json import set_json_loads

# A page of a list holds dozens of small JSON texts that PostgreSQL made.
set_json_loads(orjson.loads)


@contextmanager
def planned_cursor() -> Iterator[CursorWrapper]:
    """Give a cursor for raw statements whose text never changes."""
    # Looked up once: each name asked of ``django.db.connection`` looks for it again.
    connection = connections[DEFAULT_DB_ALIAS]
    connection.ensure_connection()
    with connection.wrap_database_errors:
        cursor = psycopg.Cursor(connection.connection)
    wrap = _Logged if connection.queries_logged else CursorWrapper
    with wrap(cursor, connection) as wrapped:
        yield wrapped


class _Logged(CursorDebugWrapper):
    """Logs a statement as it was written: of a prepared one the driver keeps none."""

    def execute(self, sql, params=None):
        with self.debug_sql(sql, params):
            return CursorWrapper.execute(self, sql, params)
