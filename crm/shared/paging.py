"""Lists page by page: keyset cursors for the API, bounded counts for the console."""

import base64
import binascii
import json
import secrets
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.utils.crypto import salted_hmac
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from crm.shared.counting import Count, counted
from crm.shared.listing import Listing

DEFAULT_LIMIT = 20
HIGHEST_LIMIT = 100
#: Who asks how many rows there are is told exactly up to here (P5-c).
COUNTED_EXACTLY = 1_000
_NONCE_BYTES = 12
_LONGEST_CURSOR = 1_000


class InvalidCursor(APIException):
    """The cursor was not made by this list."""

    status_code = 400
    default_detail = _("This cursor is not valid for this list.")
    default_code = "invalid_cursor"


def _cipher() -> AESGCM:
    key = salted_hmac("crm.shared.paging", settings.SECRET_KEY, algorithm="sha256")
    return AESGCM(key.digest())


def seal_cursor(position: list[Any], scope: str) -> str:
    """Return a cursor nobody can read or make; ``scope`` names the list."""
    text = json.dumps([_tagged(value) for value in position], separators=(",", ":"))
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = nonce + _cipher().encrypt(nonce, text.encode(), scope.encode())
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def open_cursor(cursor: str, scope: str) -> list[Any]:
    """Return what ``seal_cursor`` was given.

    Raises:
        InvalidCursor: made elsewhere, for another list, or altered.
    """
    try:
        if len(cursor) > _LONGEST_CURSOR:
            raise InvalidCursor
        raw = base64.b64decode(
            cursor.encode("ascii") + b"=" * (-len(cursor) % 4), b"-_", validate=True
        )
        nonce, sealed = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
        text = _cipher().decrypt(nonce, sealed, scope.encode())
    except (ValueError, binascii.Error, InvalidTag) as error:
        raise InvalidCursor from error
    return [_untagged(value) for value in json.loads(text)]


def _tagged(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"t": value.isoformat()}
    if isinstance(value, date):
        return {"d": value.isoformat()}
    if isinstance(value, Decimal):
        return {"n": str(value)}
    return value


def _untagged(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((tag, text),) = value.items()
    return {"t": datetime.fromisoformat, "d": date.fromisoformat, "n": Decimal}[tag](
        text
    )


def after(ordering: Sequence[str], values: Sequence[Any]) -> Q:
    """Return the condition "comes later in this order than ``values``".

    Written as ``a <= x AND (a < x OR b < y)`` so that an index on the order serves
    it. No column of the order may be NULL.
    """
    name, value = ordering[0], values[0]
    field, step = (name[1:], "lt") if name.startswith("-") else (name, "gt")
    beyond = Q(**{f"{field}__{step}": value})
    if len(ordering) == 1:
        return beyond
    return Q(**{f"{field}__{step}e": value}) & (
        beyond | after(ordering[1:], values[1:])
    )


def reversed_order(ordering: Sequence[str]) -> list[str]:
    """Return the same order backwards."""
    return [name[1:] if name.startswith("-") else f"-{name}" for name in ordering]


class CursorPage(BasePagination):
    """``{"data": […], "page": {"has_more", "next_cursor", "prev_cursor", "total"}}``.

    The order is the view's ``cursor_ordering`` (default newest first by
    ``created_at``, then ``id``). Its last column must be unique and none may be NULL.
    A list is a queryset or a ``Listing``. It may come in parts, each in this order, all
    of one after all of another: the view then gives a list of them. A part is asked
    once the page reaches it.
    ``total`` stands there for who asks with ``?include=total``: ``{"count", "exact"}``.
    """

    ordering: Sequence[str] = ("-created_at", "-id")

    def paginate_queryset(self, queryset, request, view=None):
        """Return one page of rows and remember the way on and back."""
        self.request = request
        self.order = list(getattr(view, "cursor_ordering", self.ordering))
        parts = queryset if isinstance(queryset, list) else [queryset]
        name = f"{type(view).__module__}.{type(view).__qualname__}"
        self.scope = f"{name}|{self.order}|{len(parts)}"
        limit, wants_total = self.get_limit(request), self.wants_total(request)
        cursor = request.query_params.get("cursor")
        place = [False, 0] if cursor is None else open_cursor(cursor, self.scope)
        page = self._rows(parts, limit + 1, *place)
        backwards, further = place[0], len(page) > limit
        page = page[:limit]
        self.total = None
        if wants_total:
            is_all = cursor is None and not further
            self.total = Count(len(page), is_exact=True) if is_all else _total(parts)
        if backwards:
            page.reverse()
        # Whoever came by a cursor left at least one row behind on that side.
        self.next_cursor = self.prev_cursor = None
        if page and (further or backwards):
            self.next_cursor = self._cursor(*page[-1], backwards=False)
        if page and (further if backwards else cursor is not None):
            self.prev_cursor = self._cursor(*page[0], backwards=True)
        return [row for _part, row in page]

    def _rows(
        self, parts: list, most: int, backwards: bool, first: int, *seen: Any
    ) -> list[tuple[int, Any]]:
        """Return rows behind those seen, as the walk meets them, each with its part."""
        walk = reversed_order(self.order) if backwards else self.order
        way = range(first, -1, -1) if backwards else range(first, len(parts))
        rows: list[tuple[int, Any]] = []
        for number in way:
            behind = seen if number == first else ()
            part = _page(parts[number], walk, behind, most - len(rows))
            rows += [(number, row) for row in part]
            if len(rows) == most:
                break
        return rows

    def get_limit(self, request) -> int:
        """Return the wanted page size, 1 to 100."""
        text = request.query_params.get("limit", str(DEFAULT_LIMIT))
        if not (text.isascii() and text.isdecimal() and len(text) <= 3) or not (
            1 <= int(text) <= HIGHEST_LIMIT
        ):
            raise ValidationError(
                {"limit": [_("Give a whole number from 1 to 100.")]}, code="invalid"
            )
        return int(text)

    def wants_total(self, request) -> bool:
        """Return whether the caller wants to know how many rows there are."""
        wanted = request.query_params.get("include")
        if wanted not in {None, "total"}:
            raise ValidationError({"include": [_("Give total.")]}, code="invalid")
        return wanted is not None

    def _cursor(self, part: int, row: Any, *, backwards: bool) -> str:
        values = [_value(row, name.lstrip("-")) for name in self.order]
        return seal_cursor([backwards, part, *values], self.scope)

    def get_paginated_response(self, data):
        """Wrap one page and add the Link header (RFC 8288)."""
        url = self.request.build_absolute_uri()
        links = [
            f'<{replace_query_param(url, "cursor", cursor)}>; rel="{rel}"'
            for rel, cursor in (("next", self.next_cursor), ("prev", self.prev_cursor))
            if cursor
        ]
        page = {
            "has_more": self.next_cursor is not None,
            "next_cursor": self.next_cursor,
            "prev_cursor": self.prev_cursor,
        }
        if self.total is not None:
            page["total"] = {"count": self.total.rows, "exact": self.total.is_exact}
        headers = {"Link": ", ".join(links)} if links else None
        return Response({"data": data, "page": page}, headers=headers)

    def get_paginated_response_schema(self, schema):
        """Describe the envelope for OpenAPI."""
        cursor = {"type": "string", "nullable": True}
        return {
            "type": "object",
            "required": ["data", "page"],
            "properties": {
                "data": schema,
                "page": {
                    "type": "object",
                    "required": ["has_more", "next_cursor", "prev_cursor"],
                    "properties": {
                        "has_more": {"type": "boolean"},
                        "next_cursor": cursor,
                        "prev_cursor": cursor,
                        "total": {
                            "type": "object",
                            "description": "Only with include=total.",
                            "required": ["count", "exact"],
                            "properties": {
                                "count": {"type": "integer"},
                                "exact": {"type": "boolean"},
                            },
                        },
                    },
                },
            },
        }

    def get_schema_operation_parameters(self, view):
        """Describe ``limit`` and ``cursor`` for OpenAPI."""
        return [
            {
                "name": "limit",
                "in": "query",
                "required": False,
                "description": "Rows per page.",
                "schema": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": HIGHEST_LIMIT,
                    "default": DEFAULT_LIMIT,
                },
            },
            {
                "name": "cursor",
                "in": "query",
                "required": False,
                "description": "From page.next_cursor or page.prev_cursor.",
                "schema": {"type": "string"},
            },
            {
                "name": "include",
                "in": "query",
                "required": False,
                "description": (
                    "total: how many rows there are, exact up to "
                    f"{COUNTED_EXACTLY}, about so many beyond."
                ),
                "schema": {"type": "string", "enum": ["total"]},
            },
        ]


def _page(
    rows: QuerySet | Listing, walk: Sequence[str], seen: Sequence[Any], most: int
) -> Iterable[Any]:
    if isinstance(rows, Listing):
        return rows.page(walk, seen, most)
    rows = rows.order_by(*walk)
    return (rows.filter(after(walk, seen)) if seen else rows)[:most]


def _total(parts: Iterable[QuerySet | Listing]) -> Count:
    counts = [counted(part, exact_up_to=COUNTED_EXACTLY) for part in parts]
    total = sum(count.rows for count in counts)
    is_exact = total <= COUNTED_EXACTLY and all(count.is_exact for count in counts)
    return Count(total, is_exact)


def _value(row: Any, path: str) -> Any:
    for step in path.split("__"):
        row = row[step] if isinstance(row, dict) else getattr(row, step)
    return row


class EstimatedCountPaginator(Paginator):
    """Pages for the console that never count a huge table.

    Exact up to ``exact_up_to`` rows; beyond that ``count`` is the planner's estimate
    and ``is_estimate`` is true, so the page says "about". Of the rows before a page
    only the keys are read, mostly from an index; columns and joins are fetched for
    the page alone.
    """

    exact_up_to = 5_000
    #: The pager below a list of the console (Unfold looks here).
    template_name = "console/pager.html"

    def page(self, number):
        """Return one page: the keys choose it, then its rows are fetched."""
        page = super().page(number)
        rows = self.object_list
        if page.number > 1 and isinstance(rows, QuerySet) and not rows.query.distinct:
            keys = rows.select_related(None).values_list("pk", flat=True)
            # Not one statement: PostgreSQL guesses how many rows the inner one gives,
            # and may read both tables from end to end for a page.
            page.object_list = rows.filter(pk__in=list(self._of(page.number, keys)))
        return page

    def _of(self, number: int, keys: QuerySet) -> QuerySet:
        """Return the keys of one page; the last of an estimate is read from the end.

        Where the rows end is not known then, and all rows before it would be read.
        """
        if number == self.num_pages and self.is_estimate:
            return keys.reverse()[: self.per_page]
        first = (number - 1) * self.per_page
        return keys[first : first + self.per_page]

    @cached_property
    def count(self) -> int:
        """Return the exact or estimated number of rows."""
        rows = self.object_list
        if not isinstance(rows, QuerySet):
            return len(rows)
        return counted(rows, exact_up_to=self.exact_up_to).rows

    @property
    def is_estimate(self) -> bool:
        """Whether ``count`` is only about right."""
        return isinstance(self.object_list, QuerySet) and self.count > self.exact_up_to
