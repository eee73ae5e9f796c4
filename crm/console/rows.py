"""The rows of a list, written out.

Unfold makes the headings anew for each row, and runs a template for each label, box
and row: half of the time a list took. Here a column is looked at once a page, and a
row is a few strings put together. What comes out is Unfold's markup.
"""

import html
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import lru_cache
from itertools import cycle
from types import SimpleNamespace
from typing import Any

from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import lookup_field
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import (
    BooleanField,
    CharField,
    DateField,
    Field,
    ForeignKey,
    ManyToOneRel,
    Model,
    TextField,
    TimeField,
)
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from unfold.templatetags.unfold_list import CHECKBOX_CLASSES, LINK_CLASSES, ROW_CLASSES
from unfold.utils import display_for_field, display_for_label, display_for_value

from crm.shared.moments import moment_text

_ROW = (
    '<tbody class="block relative lg:table-row-group {}" x-data="{{rowOpen: false}}">'
    '<tr class="data-row block border border-base-200 mb-3 relative rounded-default '
    "lg:table-row lg:border-none lg:mb-0 lg:rounded-none dark:border-base-800"
    '">{}</tr></tbody>\n'
)
_STRIPES = ("", "bg-base-50 dark:bg-white/[.02]")
_LINK = " ".join(LINK_CLASSES)
_BOX = "action_checkbox"
#: Stands in an address for the key of a row.
_KEY = "--key--"


class _AnyRow:
    """Stands for every row where no more than its key is shown."""

    pk = "{}"


@dataclass(slots=True)
class _Column:
    """What all cells of a column share."""

    name: str
    #: ``<td class="…" data-label="…">``; the second is of what stays on one line.
    begins: tuple[str, str]
    ends: str
    is_link: bool
    #: What stands for nothing, where a method says nothing else.
    empty: str
    #: Where its values are: a field of the table, a method of the admin class, or
    #: neither where Django has to look.
    of_table: Field | None
    method: Callable[[Model], Any] | None
    #: Labels and ticks: a few, in many rows.
    known: dict[Hashable, Any] = field(default_factory=dict)

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what ``make`` gives, made at the first call with this key."""
        key = tuple(key) if isinstance(key, list) else key
        if key not in self.known:
            self.known[key] = make()
        return self.known[key]


def written_rows(changelist: ChangeList, headings: Sequence[dict]) -> SafeString:
    """Return the rows of a list, with what each column shows of them.

    Args:
        headings: what Unfold's ``result_headers`` says of the columns.
    """
    rows = list(changelist.result_list)
    columns = _columns(changelist, [heading["text"] for heading in headings])
    kept = _kept_filters(changelist, rows[:1])
    written = []
    for row, stripe in zip(rows, cycle(_STRIPES), strict=False):
        cells = []
        for column in columns:
            text, is_one_line = _shown(changelist, column, row)
            if column.is_link:
                address = _address(changelist, column, row) + kept
                text = _link(changelist, row, text, address)
            begin = column.begins[is_one_line]
            cells.append(f"{begin}{_escaped(text)}{column.ends}")
        written.append(_ROW.format(stripe, "".join(cells)))
    return mark_safe("".join(written))  # noqa: S308  every text was escaped


def _columns(changelist: ChangeList, titles: Sequence[Any]) -> list[_Column]:
    columns = []
    links = changelist.list_display_links or ()
    for place, (name, title) in enumerate(
        zip(changelist.list_display, titles, strict=True)
    ):
        is_link = name in links
        is_first_link = is_link and not any(column.is_link for column in columns)
        tag = "th" if is_first_link else "td"
        # Where rows have no boxes the first column is called so, too.
        label = title if is_link or place else _("Select record")
        label = conditional_escape(label)
        classes = " ".join([f"field-{name}", *ROW_CLASSES])
        if name == _BOX:
            classes = " ".join(CHECKBOX_CLASSES)
        columns.append(
            _Column(
                name=name,
                begins=(
                    f'<{tag} class="{classes}" data-label="{label}">',
                    f'<{tag} class="{classes} nowrap" data-label="{label}">',
                ),
                ends=f"</{tag}>",
                is_link=is_link,
                empty=changelist.model_admin.get_empty_value_display(),
                **_source(changelist, name),
            )
        )
    return columns


def _source(changelist: ChangeList, name: Any) -> dict[str, Any]:
    """Return where the values of a column are, as ``lookup_field`` finds each."""
    fields = {field.name: field for field in changelist.opts.concrete_fields}
    of_table = fields.get(name)
    is_method = of_table is None and isinstance(name, str) and name != "__str__"
    method = getattr(changelist.model_admin, name, None) if is_method else None
    return {"of_table": of_table, "method": method}


def _looked_up(
    changelist: ChangeList, column: _Column, row: Model
) -> tuple[Field | None, Any, Any]:
    """Return what Django's ``lookup_field`` returns of a cell."""
    if column.of_table is not None:
        return column.of_table, None, getattr(row, column.name)
    if column.method is not None:
        return None, column.method, column.method(row)
    return lookup_field(column.name, row, changelist.model_admin)


def _shown(changelist: ChangeList, column: _Column, row: Model) -> tuple[Any, bool]:
    """Return what a cell shows, and whether it stays on one line."""
    admin, empty = changelist.model_admin, column.empty
    if column.name == _BOX:
        box = column.once(_BOX, lambda: admin.action_checkbox(_AnyRow))
        return format_html(box, row.pk), False
    try:
        of_table, method, value = _looked_up(changelist, column, row)
    except ObjectDoesNotExist:
        return empty, False
    if of_table is not None and not of_table.auto_created:
        return _shown_field(column, of_table, row, value)
    empty = getattr(method, "empty_value_display", empty)
    colours = getattr(method, "label", None)
    if colours:
        return column.once(value, lambda: _label(value, empty, colours)), False
    if getattr(method, "boolean", False):
        return display_for_value(value, empty, boolean=True), False
    return _text(value, empty), isinstance(value, date | time)


def _text(value: Any, empty: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return moment_text(value)
    return display_for_value(value, empty)


def _shown_field(
    column: _Column, of_table: Field, row: Model, value: Any
) -> tuple[Any, bool]:
    is_one_line = isinstance(of_table, DateField | TimeField | ForeignKey)
    if isinstance(of_table.remote_field, ManyToOneRel):
        return column.empty if value is None else value, is_one_line
    if isinstance(of_table, CharField | TextField) and not of_table.choices:
        return value or column.empty, is_one_line
    if isinstance(value, datetime):
        return moment_text(value), is_one_line

    def make() -> Any:
        return display_for_field(value, of_table, column.empty)

    has_few = of_table.choices or isinstance(of_table, BooleanField)
    return column.once(value, make) if has_few else make(), is_one_line


def _kept_filters(changelist: ChangeList, rows: Sequence[Model]) -> str:
    """Return what ends the address of each row: how the list is filtered now."""
    context = {
        "preserved_filters": changelist.preserved_filters,
        "opts": changelist.opts,
    }
    addresses = [changelist.url_for_result(row) for row in rows]
    return "".join(
        add_preserved_filters(context, address).removeprefix(address)
        for address in addresses
    )


def _address(changelist: ChangeList, column: _Column, row: Model) -> str:
    """Return where a row leads; it is looked up once a page, where keys are numbers."""
    key = getattr(row, changelist.pk_attname)
    if not isinstance(key, int):
        return changelist.url_for_result(row)
    any_row = SimpleNamespace(**{changelist.pk_attname: _KEY})
    pattern = column.once(_KEY, lambda: changelist.url_for_result(any_row))
    return pattern.replace(_KEY, str(key))


def _link(changelist: ChangeList, row: Model, text: Any, address: str) -> SafeString:
    opener: Any = ""
    if changelist.is_popup:
        chosen = str(changelist.to_field or changelist.lookup_opts.pk.attname)
        opener = format_html(' data-popup-opener="{}"', row.serializable_value(chosen))
    return mark_safe(  # noqa: S308  every text is escaped
        f'<a href="{_escaped(address)}" class="{_LINK}" {opener}>{_escaped(text)}</a>'
    )


def _label(value: Any, empty: str, colours: Any) -> SafeString:
    """Return a label; the same few stand in list after list."""
    if not isinstance(colours, dict) or isinstance(value, list):
        return display_for_label(value, empty, colours)
    return _coloured(value, empty, tuple(colours.items()))


@lru_cache(maxsize=1_000)
def _coloured(value: Any, empty: str, colours: tuple) -> SafeString:
    return display_for_label(value, empty, dict(colours))


def _escaped(text: Any) -> str:
    """Escape as Django does, without its questions where there is nothing to ask."""
    return html.escape(text) if type(text) is str else conditional_escape(text)
