"""Lists of the console walked page by page: next and previous go by keyset (P6-d)."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import Any, NamedTuple

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.admin.views.main import PAGE_VAR
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from unfold.views import ChangeList

from crm.shared.paging import (
    InvalidCursor,
    after,
    open_cursor,
    reversed_order,
    seal_cursor,
)

#: Stands in an address for where a page begins; no filter may begin like it.
PLACE_VAR = "_place"
#: What a cursor can hold.
_TELLABLE = (int, float, str, date, Decimal)


class _Page(NamedTuple):
    """Rows of a page, the number it is called by, and whether more surround them."""

    number: int
    rows: list[models.Model]
    has_before: bool
    has_behind: bool


class WalkedList(ChangeList):
    """Its links to the next and the previous page say which row that page adjoins.

    So a page costs the same however deep it lies, and rows that come or go meanwhile
    make nobody miss a row or see it twice. The number of a page stays what it was: it
    skips as many rows as lie before. Where a column of the order may be NULL, or a row
    does not tell its place, the links are such numbers, too; and a place that was
    altered, or is of another order or filter, is as if it were not there.
    """

    #: Paths of an order that no row of this list lacks, though its table would let it.
    never_null: frozenset[str] = frozenset()

    def __init__(self, request, *args, **kwargs):
        self.place = request.GET.get(PLACE_VAR, "")
        super().__init__(request, *args, **kwargs)

    def get_queryset(self, request, exclude_parameters=None):
        """Take the place out of what filters read and what other links keep.

        Of each row only what the list reads and sorts by is fetched, where it says so.
        """
        self.params.pop(PLACE_VAR, None)
        self.filter_params.pop(PLACE_VAR, None)
        rows = super().get_queryset(request, exclude_parameters)
        read = self.model_admin.list_reads
        return rows.only(*read, *names_in(rows.query.order_by)) if read else rows

    def get_results(self, request):
        """Read the page from the place its link named, else by its number."""
        self.order = self._order()
        walked = self._walked()
        if walked:
            self.page_num = 1
        try:
            super().get_results(request)
        except IncorrectLookupParameters:
            if not self.place:
                raise
            # Rows went meanwhile, and with them the page.
            self.page_num = 1
            super().get_results(request)
        if walked and self.multi_page:
            self._page = walked
            self.result_list = walked.rows
            self.page_num = min(walked.number, self.paginator.num_pages)
        else:
            self._page = None

    @property
    def way_back(self) -> str | None:
        """Return the query of the page before this one, None on the first."""
        page = self._shown()
        if not page.has_before:
            return None
        return self._query(max(1, page.number - 1), page.rows[:1], backwards=True)

    @property
    def way_on(self) -> str | None:
        """Return the query of the page behind this one, None on the last."""
        page = self._shown()
        if not page.has_behind:
            return None
        return self._query(page.number + 1, page.rows[-1:], backwards=False)

    def _shown(self) -> _Page:
        """Return the page; one that was asked for by number knows pages only."""
        if self._page is None:
            number, rows = self.page_num, list(self.result_list)
            is_last = number >= self.paginator.num_pages
            # An estimate may promise more pages than there are.
            is_full = len(rows) >= self.list_per_page
            self._page = _Page(number, rows, number > 1, is_full and not is_last)
        return self._page

    def _query(self, number: int, rows: list[models.Model], *, backwards: bool) -> str:
        place = self._place(number, rows[0], backwards) if rows and self.order else None
        return self.get_query_string({PAGE_VAR: number, PLACE_VAR: place})

    def _place(self, number: int, row: models.Model, backwards: bool) -> str | None:
        names = names_in(self.order)
        values = [attrgetter(name.replace("__", "."))(row) for name in names]
        if not all(isinstance(value, _TELLABLE) for value in values):
            return None
        return seal_cursor([number, backwards, *values], self._scope())

    def _scope(self) -> str:
        """Return what a place belongs to: list, order, filters and search."""
        return f"{self.opts.label}|{self.order}|{self.get_query_string()}"

    def _walked(self) -> _Page | None:
        """Return the page that adjoins the place, None without a place in this list."""
        if not (self.place and self.order):
            return None
        try:
            number, backwards, *seen = open_cursor(self.place, self._scope())
        except InvalidCursor:
            return None
        walk = reversed_order(self.order) if backwards else self.order
        found = self.queryset.filter(after(walk, seen)).order_by(*walk)
        size = self.list_per_page
        rows = list(found[: size + 1])
        has_more = len(rows) > size
        if not backwards:
            return _Page(number, rows[:size], True, has_more) if rows else None
        if has_more:
            return _Page(number, rows[:size][::-1], True, True)
        if len(rows) < size:
            # The beginning of the list: seen as whoever opens it does.
            rows = list(self.queryset[: size + 1])
            return _Page(1, rows[:size], False, len(rows) > size)
        return _Page(1, rows[::-1], False, True)

    def _order(self) -> list[str]:
        """Return the order of the list where each row tells its place, else nothing."""
        order: list[Any] = list(self.queryset.query.order_by)
        told = all(isinstance(name, str) and self._is_told(name) for name in order)
        return order if told else []

    def _is_told(self, name: str) -> bool:
        path = name.lstrip("-")
        if path == "pk" or path in self.never_null:
            return True
        try:
            *steps, column = get_fields_from_path(self.model, path)
        except FieldDoesNotExist:
            return False
        # Sorted by a relation, a list goes by the order of the other table.
        is_value = not column.is_relation or path.endswith(column.attname)
        return is_value and not any(step.null for step in (*steps, column))


def names_in(order: Iterable[Any]) -> list[str]:
    """Return the paths of an order without its directions."""
    return [str(name).lstrip("-") for name in order]
