"""Statements that PostgreSQL plans once per connection, for what every order runs.

Django writes parameters into the text of a statement, so PostgreSQL parses and plans it
each time, which for a wide statement takes longer than running it. Statements run here
keep parameters apart; the driver prepares one when it comes often enough
(``CRM_PREPARE_THRESHOLD``). Answers come in PostgreSQL's binary format: a moment need
not be written and read as text. Everything else is a cursor of Django: transactions,
errors and the log of queries are the same.
"""

import select
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorDebugWrapper, CursorWrapper
from psycopg.types.json import set_json_loads

# A page of a list holds dozens of small JSON texts that PostgreSQL made.
set_json_loads(orjson.loads)


@contextmanager
def planned_cursor() -> Iterator[CursorWrapper]:
    """Give a cursor for raw statements whose text never changes."""
    # Looked up once: each name asked of ``django.db.connection`` looks for it again.
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.health_check_enabled and not connection.health_check_done:
        _leave_if_ended(connection)
    connection.ensure_connection()
    with connection.wrap_database_errors:
        cursor = psycopg.Cursor(connection.connection)
    cursor.format = psycopg.pq.Format.BINARY
    wrap = _Logged if connection.queries_logged else CursorWrapper
    with wrap(cursor, connection) as wrapped:
        yield wrapped


def _leave_if_ended(connection: BaseDatabaseWrapper) -> None:
    """Close a connection that the server ended since the last request.

    Django would ask ``SELECT 1`` before the first statement of each request. A server
    that restarts or is taken over says goodbye, which waits in the socket to be read.
    """
    if connection.connection is not None and _has_ended(connection.connection.pgconn):
        connection.close()
    connection.health_check_done = True


def _has_ended(server: psycopg.pq.abc.PGconn) -> bool:
    """Tell whether the other side has left; whatever else it said is kept."""
    if server.status != psycopg.pq.ConnStatus.OK:
        return True
    heard = select.poll()
    heard.register(server.socket, select.POLLIN)
    try:
        while heard.poll(0):
            server.consume_input()
    except psycopg.OperationalError:
        return True
    return False


class _Logged(CursorDebugWrapper):
    """Logs a statement as it was written: of a prepared one the driver keeps none."""

    def execute(self, sql, params=None):
        with self.debug_sql(sql, params):
            return CursorWrapper.execute(self, sql, params)
