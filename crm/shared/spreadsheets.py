"""Rows in and out of spreadsheets: through services, and harmless when opened."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from import_export import resources

from crm.shared import clock
from crm.shared.errors import Refusal

#: What a spreadsheet program may take for the beginning of a formula.
_FORMULA = tuple("=+-@\t\r\x00＝＋－＠")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
#: Written in a cell to clear a value; an empty cell keeps what is there.
CLEAR = "--"


def safe_cell(text: str) -> str:
    """Return ``text`` such that no spreadsheet program runs it as a formula.

    >>> safe_cell("=1+1"), safe_cell("-12.30"), safe_cell("+8613800001234")
    ("'=1+1", '-12.30', "'+8613800001234")
    """
    if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) or text[:1] == "'":
        return f"'{text}"
    return text


def plain_cell(value: Any) -> str:
    """Return what a cell says as text: the inverse of ``safe_cell``."""
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    return text[1:] if text[:1] == "'" else text


class ServiceResource(resources.ModelResource):
    """A resource whose rows are stored by a service, one by one.

    Subclasses declare the fields and give ``keys``, ``find`` and ``store``. An empty
    cell keeps what is there and ``--`` clears it. Unknown columns and rows that name
    the same thing twice are refused. A trial run does all of it and takes it back.
    """

    #: Columns by which a row finds what it is about, first match wins.
    keys: Sequence[str] = ()

    class Meta:
        use_transactions = True
        skip_html_diff = False

    def find(self, row: dict[str, str]) -> Any | None:
        """Return what the row is about, or None when it is new.

        Raises:
            ValidationError: the row names something that is not there.
        """
        raise NotImplementedError

    def store(
        self, instance: Any | None, row: dict[str, str], *, actor: Any, now: datetime
    ) -> tuple[Any, bool]:
        """Store the row; return what it is about now and whether it changed.

        Raises:
            Refusal: a service said no.
            ValidationError: a cell cannot be read.
        """
        raise NotImplementedError

    def export_field(self, field, instance, **kwargs):
        """Return a cell that is harmless when opened."""
        return safe_cell(str(super().export_field(field, instance, **kwargs)))

    def before_import(self, dataset, **kwargs):
        """Refuse columns nobody knows: their values would be lost unseen."""
        super().before_import(dataset, **kwargs)
        known = {f.column_name for f in self.get_import_fields() if not f.readonly}
        unknown = [str(name) for name in dataset.headers or [] if name not in known]
        if unknown:
            names = ", ".join(unknown)[:200]
            raise ValidationError(_("Unknown columns: %(names)s.") % {"names": names})
        self._seen: dict[tuple[str, str], int] = {}

    def _check_import_id_fields(self, headers):
        if not set(self.keys) & set(headers or []):
            names = ", ".join(self.keys)
            raise ValidationError(
                _("One of these columns is needed: %(names)s.") % {"names": names}
            )

    def before_import_row(self, row, **kwargs):
        """Read the cells as text and refuse a row that repeats another."""
        for name, value in row.items():
            row[name] = plain_cell(value)
        for name in self.keys:
            value = row.get(name, "")
            if not value:
                continue
            first = self._seen.setdefault((name, value), kwargs["row_number"])
            if first != kwargs["row_number"]:
                raise ValidationError(_("Repeats row %(row)s.") % {"row": first})

    def get_or_init_instance(self, instance_loader, row):
        """Return what the row is about, and whether it is new."""
        found = self.find(row)
        return (found, False) if found else (self._meta.model(), True)

    def import_instance(self, instance, row, **kwargs):
        """Leave the instance alone: ``store`` takes the row."""

    def validate_instance(
        self, instance, import_validation_errors=None, validate_unique=True
    ):
        """Leave checking to the service."""

    def save_instance(self, instance, is_create, row, **kwargs):
        """Store the row by its service."""
        try:
            stored, self._changed = self.store(
                None if is_create else instance,
                row,
                actor=kwargs.get("user") or "import",
                now=kwargs.get("now") or clock.now(),
            )
        except Refusal as refusal:
            raise ValidationError(str(refusal)) from refusal
        instance.__dict__.update(stored.__dict__)

    def save_m2m(self, instance, row, **kwargs):
        """Do nothing more."""

    def after_import_row(self, row, row_result, **kwargs):
        """Call a row that changed nothing skipped."""
        if (
            row_result.import_type == row_result.IMPORT_TYPE_UPDATE
            and not self._changed
        ):
            row_result.import_type = row_result.IMPORT_TYPE_SKIP


def given(row: dict[str, str], names: Sequence[str]) -> dict[str, str]:
    """Return the cells that say something; ``--`` as the empty text.

    >>> given({"a": "x", "b": "", "c": "--"}, ["a", "b", "c", "d"])
    {'a': 'x', 'c': ''}
    """
    said = {name: row[name] for name in names if row.get(name)}
    return {name: "" if value == CLEAR else value for name, value in said.items()}
