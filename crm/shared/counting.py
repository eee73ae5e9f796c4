"""How many rows there are: exact while that is cheap, then about so many (P5-c, P6)."""

import json
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet

from crm.shared.listing import Listing
from crm.shared.planned import planned_cursor


class Count(NamedTuple):
    """A number of rows; one that is not exact is what the planner expects."""

    rows: int
    is_exact: bool


def counted(rows: QuerySet | Listing, *, exact_up_to: int) -> Count:
    """Count rows, looking at no more than ``exact_up_to`` of them and one.

    The first rows are run under EXPLAIN: it says how many came, and how many it expects
    without the limit. Whatever lies beyond costs no time.
    """
    try:
        text, params = _first_keys(rows, exact_up_to + 1)
    except EmptyResultSet:
        return Count(0, is_exact=True)
    plan = _explained(rows, text, params)
    seen = int(plan["Actual Rows"])
    if seen <= exact_up_to:
        return Count(seen, is_exact=True)
    # Beside it may stand what was worked out once, before any row.
    (limited,) = (
        part for part in plan["Plans"] if part["Parent Relationship"] == "Outer"
    )
    return Count(max(seen, int(limited["Plan Rows"])), is_exact=False)


def _first_keys(rows: QuerySet | Listing, most: int) -> tuple[str, Any]:
    """Return text and parameters of a statement that gives keys and no more."""
    if isinstance(rows, QuerySet):
        keys = rows.order_by().values_list("pk")[:most]
        return keys.query.sql_with_params()
    if rows.is_empty:
        raise EmptyResultSet
    text, params = rows.keys()
    return f"{text} LIMIT {most:d}", params


def _explained(rows: QuerySet | Listing, text: str, params: Any) -> dict[str, Any]:
    how = "ANALYZE, BUFFERS OFF, SUMMARY OFF, TIMING OFF, FORMAT JSON"
    is_queryset = isinstance(rows, QuerySet)
    with connections[rows.db].cursor() if is_queryset else planned_cursor() as cursor:
        cursor.execute(f"EXPLAIN ({how}) {text}", params)
        plan = cursor.fetchone()[0]
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return plan[0]["Plan"]
