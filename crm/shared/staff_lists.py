"""How every list of the console behaves, and columns it needs again and again."""

import re
from collections.abc import Callable, Collection
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.admin.views.main import ORDER_VAR
from django.db import models
from django.http import HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.text import capfirst

from crm.shared.admin import AuditedAdmin, ReadOnlyAdmin
from crm.shared.errors import Refusal
from crm.shared.money import display_amount
from crm.shared.paging import EstimatedCountPaginator
from crm.shared.staff_pages import WalkedList

#: Colours of state labels, by what a state means to whoever looks.
GOOD, BUSY, BAD, CALM = "success", "info", "danger", "warning"
#: Stands in an address for the panel of filters of a list, instead of the list.
PANEL_VAR = "_panel"
#: A search goes by so many rows of another table at most.
_MOST_FOUND = 1_000


class StaffAdmin(AuditedAdmin):
    """A list that stays quick at ten million rows.

    Counts beyond 5,000 are estimates, pages have 25 rows, and nothing is joined
    that the columns do not name in ``list_select_related``.
    """

    list_per_page = 25
    list_max_show_all = 25
    paginator = EstimatedCountPaginator
    list_filter_submit = True
    warn_unsaved_form = True
    #: Paths of what its columns read, where rows hold much more than that.
    list_reads: Collection[str] = ()
    #: What the list is for and how something gets into it: said while it is empty.
    when_empty: Any = ""

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        """Answer what a service refuses; Django has undone what the form wrote."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refusal as refusal:
            return self.refused(request, refusal, object_id, form_url, extra_context)

    def refused(self, request, refusal: Refusal, *_form: Any) -> HttpResponse:
        """Say why above the form, with what is stored."""
        messages.error(request, str(refusal))
        return HttpResponseRedirect(request.path)

    def changelist_view(self, request, extra_context=None):
        """Answer with the panel of filters alone where that is asked for."""
        request.GET = request.GET.copy()
        is_panel = bool(request.GET.pop(PANEL_VAR, None))
        response = super().changelist_view(request, extra_context)
        if is_panel and isinstance(response, TemplateResponse):
            response.template_name = "console/filter_panel.html"
        return response

    def get_changelist(self, request, **kwargs):
        """Use the list whose next and previous pages go by keyset."""
        return WalkedList

    def get_search_results(self, request, queryset, search_term):
        """Search by whole values when every search field starts with ``=``.

        Django would compare ``UPPER(column)``, which no index serves, and join all
        fields with OR, which makes a scan of a join. Here a member number looks at
        the member alone and anything else at the list's own columns, as typed, in
        capitals and in small letters. What stands in another table is looked up there
        first.
        """
        fields = self.get_search_fields(request)
        text = search_term.strip()
        if not text or not all(field.startswith("=") for field in fields):
            return super().get_search_results(request, queryset, search_term)
        is_number = re.fullmatch(r"[Mm][0-9]+", text) is not None
        spellings = {text, text.upper(), text.lower()}
        wanted = models.Q()
        for path in (field.removeprefix("=") for field in fields):
            if path.endswith("member__number") == is_number:
                wanted |= _has_one_of(self.model, path, spellings)
        return (queryset.filter(wanted) if wanted else queryset.none()), False

    def get_changelist_instance(self, request):
        """Say what is searched, and "12 of all" only where something was left out."""
        changelist = super().get_changelist_instance(request)
        changelist.when_empty = self.when_empty
        # Of the window; Django says "Select order to view".
        changelist.title = capfirst(self.opts.verbose_name_plural)
        changelist.search_help_text = self.search_help_text or self._searched(request)
        if not changelist.has_active_filters and not changelist.query:
            changelist.full_result_count = changelist.result_count
        return changelist

    def _searched(self, request) -> str:
        """Return the columns that a search looks at."""
        paths = [path.lstrip("=^") for path in self.get_search_fields(request)]
        columns = [get_fields_from_path(self.model, path)[-1] for path in paths]
        names = [str(column.verbose_name) for column in columns]
        return capfirst(" · ".join(dict.fromkeys(names)))


class GrowingList(WalkedList):
    """Sorted by a heading, it goes along the index that begins with it, either way.

    In any other order of what is equal there the database would sort all of that.
    """

    def get_ordering(self, request, queryset):
        """Return the columns of that index, where one heading was chosen."""
        ordering = super().get_ordering(request, queryset)
        chosen = self.params.get(ORDER_VAR, "")
        along = None if "." in chosen or not chosen else self._along_index(ordering[0])
        return self._get_deterministic_ordering(along) if along else ordering

    def _along_index(self, first: str) -> list[str] | None:
        name, falls = first.removeprefix("-"), first.startswith("-")
        for index in whole_indexes(self.model):
            if index.fields_orders[0][0] == name:
                turned = falls != bool(index.fields_orders[0][1])
                column = self.model._meta.get_field
                return [
                    f"{'-' if bool(way) != turned else ''}{column(field).attname}"
                    for field, way in index.fields_orders
                ]
        return None


class GrowingAdmin(StaffAdmin):
    """A list whose table grows with the shop: it sorts by what an index serves.

    Any other heading would sort the whole table for one page of it.
    """

    def get_changelist(self, request, **kwargs):
        """Use the list that goes along its indexes."""
        return GrowingList

    def get_sortable_by(self, request):
        """Return the columns of ``list_display`` that an index sorts by."""
        served = indexed_fields(self.model)
        return [
            name
            for name in self.get_list_display(request)
            if self._orders(name) in served
        ]

    def _orders(self, name: str) -> str:
        column = getattr(self, name, None)
        order = getattr(column, "admin_order_field", None)
        return str(order or "") if column is not None else name


class LedgerAdmin(ReadOnlyAdmin, GrowingAdmin):
    """A list to read: its rows are written by services only."""

    actions = None
    warn_unsaved_form = False


def indexed_fields(model: type[models.Model]) -> set[str]:
    """Return the fields of a table by which some index of all its rows begins.

    Relations are left out: sorted by one, a list goes by the other table.
    """
    first = {index.fields_orders[0][0] for index in whole_indexes(model)}
    first |= {
        constraint.fields[0]
        for constraint in model._meta.constraints
        if isinstance(constraint, models.UniqueConstraint)
        and constraint.fields
        and constraint.condition is None
    }
    return {
        field.name
        for field in model._meta.concrete_fields
        if not field.is_relation
        and (field.name in first or field.unique or field.db_index)
    }


def whole_indexes(model: type[models.Model]) -> list[models.Index]:
    """Return the indexes of all rows of a table that begin with a column."""
    return [
        index
        for index in model._meta.indexes
        if index.fields_orders and index.condition is None
    ]


def _has_one_of(
    model: type[models.Model], path: str, values: Collection[str]
) -> models.Q:
    """Return the condition that a path ends at one of some values; never a join."""
    name, _step, rest = path.partition("__")
    if not rest:
        return models.Q(**{f"{name}__in": values})
    there = model._meta.get_field(name).related_model
    assert isinstance(there, type), path
    found = there._default_manager.filter(**{f"{rest}__in": values})
    keys = list(found.values_list("pk", flat=True)[:_MOST_FOUND])
    return models.Q(**{f"{name}__in": keys}) if keys else models.Q()


def labelled(row: models.Model, name: str) -> tuple[str, str]:
    """Return a choice of a row and what it is called, as a label wants them.

    ``get_…_display`` translates every choice there is, for each row of a list.
    """
    value = getattr(row, name)
    return value, str(_words_of(type(row), name).get(value, value))


@cache
def _words_of(model: type[models.Model], name: str) -> dict[Any, Any]:
    """Return choice -> what it is called, in whichever language it is read."""
    field: Any = model._meta.get_field(name)
    return dict(field.flatchoices)


def money_column(field: str, description: Any, *, ordering: bool = True) -> Callable:
    """Return a column that shows ``field`` (minor units) as money.

    Args:
        field: attribute path of the amount; ``__`` follows relations.
        description: heading, translatable.
        ordering: whether the list may be sorted by it.
    """

    @admin.display(
        description=description,
        ordering=field if ordering else None,
        empty_value="–",
    )
    def column(self, row: models.Model) -> str | None:
        value: Any = row
        for step in field.split("__"):
            value = getattr(value, step, None)
        if value is None:
            return None
        return display_amount(value, settings.SHOP_CURRENCY)

    return column
