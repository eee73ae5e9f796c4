"""Rows of models, whole, out of statements written by hand."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, models

M = TypeVar("M", bound=models.Model)


class Columns(Generic[M]):
    """Every column of a model under the alias of its table, and the row they make.

    ``text`` goes behind SELECT. ``len()`` is how many columns that are. What a row
    makes is what a queryset would have made of it.
    """

    def __init__(self, model: type[M], alias: str) -> None:
        fields = model._meta.concrete_fields
        quoted = connection.ops.quote_name
        self.model = model
        # JSON as text: a planned cursor would read it, and the field once more.
        self.text = ", ".join(
            f"{alias}.{quoted(field.column)}"
            f"{'::text' if isinstance(field, models.JSONField) else ''}"
            for field in fields
        )
        self._names = [field.attname for field in fields]
        self._key = self._names.index(model._meta.pk.attname)
        self._converted = [
            (place, convert)
            for place, field in enumerate(fields)
            for convert in field.get_db_converters(connection)
        ]

    def __len__(self) -> int:
        return len(self._names)

    def row(self, values: Sequence[Any]) -> M | None:
        """Return the row of these values; None where a join found nothing."""
        if values[self._key] is None:
            return None
        values = list(values)
        for place, convert in self._converted:
            values[place] = convert(values[place], None, connection)
        return self.model.from_db(DEFAULT_DB_ALIAS, self._names, values)
