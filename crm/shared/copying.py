"""Writes many rows with COPY: what ``bulk_create`` does, in a fraction of the time."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Any

from django.db import connection, connections, models
from django.db.models.expressions import DatabaseDefault
from psycopg import sql

_NEXT_KEYS = """
SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)
"""
#: Fewer rows than this are as quick with one INSERT, which asks for no keys before.
_MANY = 100
#: What stock columns take as it is: nothing has to look at it.
_PLAIN = (
    *(models.AutoField, models.BigAutoField, models.BooleanField, models.CharField),
    *(models.IntegerField, models.BigIntegerField, models.TextField),
    *(models.PositiveIntegerField, models.PositiveSmallIntegerField),
)
_HOOKS = ("pre_save", "get_db_prep_save", "get_db_prep_value", "get_prep_value")


def insert_rows(rows: Sequence[models.Model]) -> None:
    """Write new rows of one model: many as ``copy_rows`` does, few with an INSERT."""
    if len(rows) >= _MANY:
        copy_rows(rows)
    elif rows:
        type(rows[0])._default_manager.bulk_create(rows)


def copy_rows(rows: Sequence[models.Model]) -> None:
    """Write new rows of one model and give them their keys.

    Like ``bulk_create``, it calls no ``save`` and sends no signals; unlike it, it
    cannot skip rows that are there already. A row may point to another that was given
    its key after they were tied together. What the first row leaves to the database
    to fill in, all rows do; where it has its key, all have theirs.

    Args:
        rows: unsaved objects of one model without parent tables.

    Raises:
        IntegrityError: a row is there already, or breaks a constraint; none is kept.
    """
    if not rows:
        return
    meta = rows[0]._meta
    fields = [field for field in meta.concrete_fields if _is_given(rows[0], field)]
    columns = [sql.Identifier(str(field.column)) for field in fields]
    command = sql.SQL("COPY {table} ({columns}) FROM STDIN").format(
        table=sql.Identifier(meta.db_table), columns=sql.SQL(", ").join(columns)
    )
    writers = [_writer(field) for field in fields]
    with connection.cursor() as cursor:
        if rows[0].pk is None:
            cursor.execute(_NEXT_KEYS, [meta.db_table, meta.pk.column, len(rows)])
            for row, (key,) in zip(rows, cursor.fetchall(), strict=True):
                row.pk = key
        with connection.wrap_database_errors, cursor.copy(command) as copy:
            for row in rows:
                copy.write_row([write(row) for write in writers])
    for row in rows:
        row._state.adding = False
        row._state.db = connection.alias


def _is_given(row: models.Model, field: models.Field) -> bool:
    left_out = isinstance(row.__dict__.get(field.attname), DatabaseDefault)
    return not (field.generated or left_out)


def _writer(field: models.Field) -> Callable[[models.Model], Any]:
    """Return what gives the value of a column, the cheapest way its type allows."""
    if isinstance(field, models.ForeignKey):
        return partial(_key_of_other, field)
    if _is_plain(field):
        return attrgetter(field.attname)
    # Not ``connection``: each value would look for this thread's through two proxies.
    return partial(_prepared, field, connections[connection.alias])


def _key_of_other(field: models.ForeignKey, row: models.Model) -> Any:
    """Return the key of the row tied to this one, which may have got it since."""
    if field.is_cached(row):
        related = field.get_cached_value(row)
        if related is not None:
            setattr(row, field.attname, getattr(related, field.target_field.attname))
    return getattr(row, field.attname)


def _prepared(field: models.Field, backend: Any, row: models.Model) -> Any:
    value = field.pre_save(row, True)  # noqa: FBT003
    if type(value) is datetime and value.tzinfo is not None:
        return value
    return field.get_db_prep_save(value, backend)


def _is_plain(field: models.Field) -> bool:
    """Whether a column takes its values unchanged: a stock type, nothing of its own."""
    own, stock = type(field), next((c for c in _PLAIN if isinstance(field, c)), None)
    return stock is not None and all(
        getattr(own, hook) is getattr(stock, hook) for hook in _HOOKS
    )
