"""What a database says, so that two runs of one effect can be compared.

Left out is what may differ between two right runs: moments, attempts, and values made
by chance. Public ids are numbered in the order in which they appear.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from django.apps import apps
from django.db import connection, models, transaction

from crm.shared.fields import EncryptedTextField

#: Apps whose tables an effect of a purchase may touch.
APPS = ("members", "orders", "loyalty", "campaigns", "shared")
#: How often and when something was tried says nothing about what came of it.
IGNORED = {"attempts", "return_attempts", "last_error"}
#: Made by chance: only whether they are there counts.
BY_CHANCE = {("orders.Order", "number"), ("campaigns.Coupon", "code")}

_PUBLIC_ID = re.compile(r"(?<![a-z])([a-z]{2,5})_[0-9A-HJKMNP-TV-Z]{26}\b")

_ATTEMPTS = re.compile(r'"attempts": \d+')

State = tuple[tuple[str, str], ...]


def look(cursor: Any) -> State:
    """Return every row as ``(table, text)``, comparable with another run's."""
    cursor.execute(_question())
    numbers: dict[str, int] = {}

    def named(match: re.Match) -> str:
        number = numbers.setdefault(match[0], len(numbers) + 1)
        return f"{match[1]}_#{number}"

    return tuple(
        (table, _PUBLIC_ID.sub(named, _ATTEMPTS.sub("attempts", text)))
        for table, text in cursor.fetchall()
    )


def differences(one: State, other: State) -> str:
    """Return the rows that only one of two states has, for the failing test."""
    gone = [f"- {table} {text}" for table, text in one if (table, text) not in other]
    new = [f"+ {table} {text}" for table, text in other if (table, text) not in one]
    return "\n".join([*gone, *new])


def align_sequences() -> Callable[[], None]:
    """Let each table go on numbering after its last row; return what does so again.

    What was rolled back has used numbers up; without this the rows of a retry would
    have other keys than those of a first run.

    Returns:
        A faster way to the same numbers, while the tables are as they are now.
    """
    parts = [
        f"SELECT setval(pg_get_serial_sequence('{table}', 'id'),"
        f" coalesce(max(id), 1), max(id) IS NOT NULL) FROM {table}"
        for model in _models()
        if isinstance(model._meta.pk, models.AutoField)
        for table in [model._meta.db_table]
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        cursor.execute(
            "SELECT sequencename::text, coalesce(last_value, 1), last_value IS NOT NULL"
            " FROM pg_sequences WHERE schemaname = 'public'"
        )
        marks = [list(column) for column in zip(*cursor.fetchall(), strict=True)]

    def again() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT setval(name::regclass, value, called) FROM"
                " unnest(%s::text[], %s::bigint[], %s::bool[]) m (name, value, called)",
                marks,
            )

    return again


class Kept:
    """All rows as they are now, to be put back, and the numbering.

    For a superuser, as the tests are: triggers and foreign keys sleep meanwhile.
    """

    def __init__(self):
        self.renumber = align_sequences()
        self.rows = _rows()

    def put_back(self) -> None:
        """Write the rows of tables that differ as they were."""
        now, columns_of = _rows(), _written_columns()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            for table, rows in self.rows.items():
                if now[table] != rows:
                    cursor.execute(f"DELETE FROM {table}")
                    columns = ", ".join(columns_of[table])
                    cursor.execute(
                        f"INSERT INTO {table} ({columns}) SELECT {columns}"
                        f" FROM json_populate_recordset(NULL::{table}, %s)",
                        [rows],
                    )
        self.renumber()


def _written_columns() -> dict[str, list[str]]:
    """Return every table's columns but those that PostgreSQL works out itself."""
    return {
        model._meta.db_table: [
            f'"{field.column}"'
            for field in model._meta.local_concrete_fields
            if not field.generated
        ]
        for model in _models()
    }


def _rows() -> dict[str, str]:
    """Return every table's rows as one text of JSON."""
    parts = [
        f"SELECT '{table}', coalesce(json_agg(x ORDER BY x::text), '[]')::text"
        f" FROM {table} x"
        for model in _models()
        for table in [model._meta.db_table]
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return dict(cursor.fetchall())


@cache
def _models() -> list[type[models.Model]]:
    return [
        model
        for app in APPS
        for model in apps.get_app_config(app).get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    ]


@cache
def _question() -> str:
    """Return one statement that reads all tables, rows in the order of their keys."""
    parts = []
    for number, model in enumerate(_models()):
        dropped = ", ".join(f"'{name}'" for name in sorted(_unstable(model)))
        flags = ", ".join(
            f"'{column}?', x.{column} IS NOT NULL" for column in sorted(_moments(model))
        )
        parts.append(
            f"SELECT {number} AS n, '{model._meta.db_table}' AS t,"
            f" x.{model._meta.pk.column}::text AS k,"
            f" (to_jsonb(x) - ARRAY[{dropped}]::text[]"
            f" || jsonb_build_object({flags}))::text AS row"
            f" FROM {model._meta.db_table} x"
        )
    rows = " UNION ALL ".join(parts)
    return f"SELECT t, row FROM ({rows}) AS every ORDER BY n, lpad(k, 40, '0')"


def _moments(model: type[models.Model]) -> set[str]:
    return {
        field.column
        for field in model._meta.local_concrete_fields
        if isinstance(field, models.DateTimeField) or _is_by_chance(model, field)
    }


def _unstable(model: type[models.Model]) -> set[str]:
    named = {
        field.column
        for field in model._meta.local_concrete_fields
        if field.name in IGNORED
    }
    return named | _moments(model)


def _is_by_chance(model: type[models.Model], field: models.Field) -> bool:
    return (model._meta.label, field.name) in BY_CHANCE or isinstance(
        field, EncryptedTextField
    )
