"""Writes many rows with COPY: what ``bulk_create`` does, in a fraction of the time."""

from collections.abc import Sequence

from django.db import connection, models
from django.db.models.expressions import DatabaseDefault
from psycopg import sql

_NEXT_KEYS = """
SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)
"""


def copy_rows(rows: Sequence[models.Model]) -> None:
    """Write new rows of one model and give them their keys.

    Like ``bulk_create``, it calls no ``save`` and sends no signals; unlike it, it
    cannot skip rows that are there already. A row may point to another that was given
    its key after they were tied together. What the first row leaves to the database
    to fill in, all rows do.

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
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_KEYS, [meta.db_table, meta.pk.column, len(rows)])
        for row, (key,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = key
        with connection.wrap_database_errors, cursor.copy(command) as copy:
            for row in rows:
                copy.write_row([_prepared(row, field) for field in fields])
    for row in rows:
        row._state.adding = False
        row._state.db = connection.alias


def _is_given(row: models.Model, field: models.Field) -> bool:
    left_out = isinstance(row.__dict__.get(field.attname), DatabaseDefault)
    return not (field.generated or left_out)


def _prepared(row: models.Model, field: models.Field) -> object:
    if isinstance(field, models.ForeignKey) and field.is_cached(row):
        related = field.get_cached_value(row)
        if related is not None:
            setattr(row, field.attname, getattr(related, field.target_field.attname))
    return field.get_db_prep_save(field.pre_save(row, True), connection)  # noqa: FBT003
