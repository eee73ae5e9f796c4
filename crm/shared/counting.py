"""How many rows there are: exact while that is cheap, then about so many (P5-c, P6)."""

import json
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet

from crm.shared.listing import Listing


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
        alias, text, params = _first_keys(rows, exact_up_to + 1)
    except EmptyResultSet:
        return Count(0, is_exact=True)
    plan = _explained(alias, text, params)
    seen = int(plan["Actual Rows"])
    if seen <= exact_up_to:
        return Count(seen, is_exact=True)
    # Beside it may stand what was worked out once, before any row.
    (limited,) = (
        part for part in plan["Plans"] if part["Parent Relationship"] == "Outer"
    )
    return Count(max(seen, int(limited["Plan Rows"])), is_exact=False)


def _first_keys(rows: QuerySet | Listing, most: int) -> tuple[str, str, Any]:
    """Return alias, text and parameters of a statement that gives keys and no more."""
    if isinstance(rows, QuerySet):
        keys = rows.order_by().values_list("pk")[:most]
        return rows.db, *keys.query.sql_with_params()
    if rows.is_empty:
        raise EmptyResultSet
    text, params = rows.keys()
    return DEFAULT_DB_ALIAS, f"{text} LIMIT {most:d}", params


def _explained(alias: str, text: str, params: Any) -> dict[str, Any]:
    how = "ANALYZE, BUFFERS OFF, SUMMARY OFF, TIMING OFF, FORMAT JSON"
    with connections[alias].cursor() as cursor:
        cursor.execute(f"EXPLAIN ({how}) {text}", params)
        plan = cursor.fetchone()[0]
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return plan[0]["Plan"]
