"""What the tests of members share: everything ever written about one person."""

from datetime import datetime, timedelta

from django.db import connection

from tests.cast import NOON

__all__ = ["NOON", "dump", "later"]

_COLUMNS = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND data_type IN
      ('text', 'character varying', 'character', 'bytea', 'jsonb', 'json', 'ARRAY',
       'USER-DEFINED', 'name')
"""


def dump() -> dict[str, bytes]:
    """Return every text, JSON and byte column of the database, as bytes."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        for table, column in cursor.fetchall():
            cursor.execute(f'SELECT "{column}" FROM "{table}"')
            values = [value for (value,) in cursor.fetchall() if value is not None]
            found[f"{table}.{column}"] = b"\n".join(_flat(value) for value in values)
    return found


def _flat(value) -> bytes:
    if isinstance(value, list):
        return b" ".join(_flat(part) for part in value)
    if isinstance(value, memoryview | bytes):
        return bytes(value)
    return str(value).encode()


def later(**more) -> datetime:
    """Return noon and so much time more, such as ``days=1``."""
    return NOON + timedelta(**more)
