"""What is kept about people, table by table: the ground of export and erasure.

Each app says it in ``<app>/personal_data.py`` with one class, and
``crm.wiring.PERSONAL_DATA`` lists the classes in the order of erasure. A test walks
every model and fails on a column that nobody declared
(``tests/shared/test_personal_data.py``).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, ClassVar

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Length
from django.utils.module_loading import import_string

from crm import wiring
from crm.shared.encryption import LENGTH_OF_NOTHING
from crm.shared.fields import EncryptedTextField, is_blind
from crm.shared.retention import Rule

#: Rows of one table in one transaction of an erasure.
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Table:
    """One table with rows that belong to members, and what becomes of each column.

    Every column but the key and blind indexes, which follow their source, stands in
    one of the three lists (names with spaces between).

    Args:
        label: model label, such as ``orders.Order``.
        owner: lookup from a row to the member's key (``order__member``), or a
            function ``member_id -> Q``.
        cleared: personal; exported, and null or empty after erasure.
        kept: belongs to the person; exported, and stays in the books.
        plain: of no interest to the person; not exported, stays.
        goes: erasure deletes the rows; what is ``cleared`` goes with them.
        beside: columns of other tables that the export shows, such as ``tag__name``.
        only: rows that erasure may touch; all when left out.
    """

    label: str
    owner: str | Callable[[int], Q]
    cleared: str = ""
    kept: str = ""
    plain: str = ""
    beside: str = ""
    goes: bool = False
    only: Q = Q()

    @property
    def model(self) -> type[models.Model]:
        """The model of the table."""
        return apps.get_model(self.label)

    def of(self, member_id: int) -> models.QuerySet:
        """Return the rows of one member, oldest first."""
        owner = self.owner
        mine = owner(member_id) if callable(owner) else Q(**{owner: member_id})
        return self.model._base_manager.filter(mine).order_by("pk")

    def columns(self) -> dict[str, str]:
        """Return every declared column with ``cleared``, ``kept`` or ``plain``."""
        return {
            name: fate
            for fate in ("cleared", "kept", "plain")
            for name in getattr(self, fate).split()
        }

    def exported(self) -> dict[str, models.Field]:
        """Return what a person gets to see: name or path -> column."""
        shown = {*self.cleared.split(), *self.kept.split()}
        own = {
            field.name: field
            for field in self.model._meta.local_concrete_fields
            if field.name in shown and not field.is_relation
        }
        return own | {path: _at_end(self.model, path) for path in self.beside.split()}


def _at_end(model: type[models.Model], path: str) -> models.Field:
    """Return the column at the end of a path of relations."""
    *steps, name = path.split("__")
    for step in steps:
        model = model._meta.get_field(step).related_model
    return model._meta.get_field(name)


class PersonalData:
    """What one app keeps about people. An app subclasses it and fills two tables."""

    #: Tables with rows of members, in the order of erasure.
    tables: ClassVar[tuple[Table, ...]] = ()
    #: Columns of other tables that can hold text and were found to hold none about a
    #: member: model label -> names with spaces between.
    reviewed: ClassVar[Mapping[str, str]] = {}
    #: How long this app keeps what.
    retention: ClassVar[tuple[Rule, ...]] = ()

    def fields(self) -> dict[str, dict[str, str]]:
        """Return model label -> column -> what it is (see ``Table``, ``reviewed``)."""
        return {
            **{table.label: table.columns() for table in self.tables},
            **{
                label: dict.fromkeys(names.split(), "reviewed")
                for label, names in self.reviewed.items()
            },
        }

    def export(self, *, member_id: int) -> dict[str, list[dict[str, Any]]]:
        """Return model label -> rows, each a dict of column -> value in clear."""
        found = {table.label: _read(table, member_id) for table in self.tables}
        return {label: rows for label, rows in found.items() if rows}

    def erase(self, *, member_id: int, now: datetime) -> dict[str, int]:
        """Erase at most ``CHUNK`` rows of the first table that holds any.

        Callers repeat, each time in a transaction of its own, until the answer is
        empty. Nothing but the data tells how far it came, so stopping is harmless.

        Returns:
            Model label -> rows deleted or cleared.
        """
        for table in self.tables:
            if table.goes or table.cleared:
                mine = table.of(member_id).filter(table.only)
                rows = erase_rows(table, mine, limit=CHUNK)
                if rows:
                    return {table.label: rows}
        return {}


def _read(table: Table, member_id: int) -> list[dict[str, Any]]:
    names = list(table.exported())
    if not names:
        return []
    joined = {name.rpartition("__")[0] for name in names} - {""}
    rows = table.of(member_id)
    getters = {name: attrgetter(name.replace("__", ".")) for name in names}
    return [
        {name: get(row) for name, get in getters.items()}
        for row in (rows.select_related(*joined) if joined else rows)
    ]


def personal_data() -> Iterator[PersonalData]:
    """Yield one of each class of ``crm.wiring.PERSONAL_DATA``, in order."""
    for path in wiring.PERSONAL_DATA:
        yield import_string(path)()


@transaction.atomic
def erase_rows(table: Table, rows: models.QuerySet, *, limit: int = CHUNK) -> int:
    """Delete or clear at most ``limit`` of ``rows``; return how many were touched."""
    if table.goes:
        keys = list(rows.values_list("pk", flat=True)[:limit])
        table.model._base_manager.filter(pk__in=keys).delete()
        return len(keys)
    return clear_columns(rows, table.cleared.split(), limit=limit)


@transaction.atomic
def clear_columns(
    rows: models.QuerySet, names: list[str], *, limit: int = CHUNK
) -> int:
    """Make columns null or empty in at most ``limit`` rows; return how many.

    Rows that hold nothing any more are not counted, so repeating ends.
    """
    columns = [rows.model._meta.get_field(name) for name in names]
    found = list(holding(rows, names).select_for_update(of=("self",))[:limit])
    for row in found:
        for column in columns:
            setattr(row, column.attname, nothing(column))
        row.save(update_fields=[column.name for column in columns])
    return len(found)


def holding(rows: models.QuerySet, names: list[str]) -> models.QuerySet:
    """Return those of ``rows`` where one of the columns is not null or empty."""
    still = Q()
    for column in (rows.model._meta.get_field(name) for name in names):
        if isinstance(column, EncryptedTextField) and not column.null:
            rows = rows.alias(**{_size(column): Length(F(column.name))})
        still |= _holds_something(column)
    return rows.filter(still)


def _holds_something(column: models.Field) -> Q:
    if column.null:
        return Q(**{f"{column.name}__isnull": False})
    if isinstance(column, EncryptedTextField):
        return Q(**{f"{_size(column)}__gt": LENGTH_OF_NOTHING})
    return ~Q(**{column.name: nothing(column)})


def nothing(column: models.Field) -> Any:
    """Return what ``column`` holds when it holds nothing.

    Raises:
        TypeError: it can be neither null nor empty; its row must go instead.
    """
    if column.null:
        return None
    if isinstance(column, ArrayField):
        return []
    if isinstance(column, models.JSONField):
        return {}
    if isinstance(column, models.CharField | models.TextField | models.FileField):
        return ""
    raise TypeError(f"{column} cannot be cleared.")


def _size(column: models.Field) -> str:
    return f"size_of_{column.name}"


def may_hold_text(column: models.Field) -> bool:
    """Return whether something about a person could be written into ``column``."""
    if is_blind(column) or column.is_relation or column.primary_key:
        return False
    kinds = (
        *(models.CharField, models.TextField, models.JSONField, models.BinaryField),
        *(models.FileField, models.GenericIPAddressField, ArrayField),
    )
    return isinstance(column, kinds) and not column.choices


class SharedData(PersonalData):
    """The ground floor knows no member; its own rule is ids instead of persons.

    Audit entries and kept answers of one member are declared by the members app,
    which knows whose login is whose.
    """

    reviewed = {
        "shared.Approval": "public_id kind params subject source reason note",
        "shared.AuditSeal": "previous digest",
        "shared.CacheEntry": "value",
        "shared.ServerKey": "public_id name prefix digest scopes",
        "shared.Fact": "name key payload request_id",
        "shared.Delivery": "subscriber key last_error",
        "shared.Job": "public_id kind params cursor message result error files",
        "shared.JobLine": "text",
    }
