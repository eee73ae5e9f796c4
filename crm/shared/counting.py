"""How many rows there are: exact while that is cheap, then about so many (P5-c, P6)."""

import json
from typing import Any, NamedTuple

from django.db import connections
from django.db.models import QuerySet

from crm.shared.listing import Listing


class Count(NamedTuple):
    """A number of rows; one that is not exact is what the planner expects."""

    rows: int
    is_exact: bool


def counted(rows: QuerySet | Listing, *, exact_up_to: int) -> Count:
    """Count rows, looking at no more than ``exact_up_to`` of them and one.

    Whatever lies beyond costs the time of planning a statement, not of running it.
    """
    if isinstance(rows, Listing):
        seen = rows.count(most=exact_up_to + 1)
    else:
        rows = rows.order_by()
        seen = rows[: exact_up_to + 1].count()
    if seen <= exact_up_to:
        return Count(seen, is_exact=True)
    return Count(max(seen, planner_rows(rows)), is_exact=False)


def planner_rows(rows: QuerySet | Listing) -> int:
    """Return how many rows PostgreSQL expects a query to give, without running it."""
    if isinstance(rows, Listing):
        return 0 if rows.is_empty else _expected("default", *rows.keys())
    if rows.query.is_empty():
        return 0
    return _expected(rows.db, *rows.values_list("pk").query.sql_with_params())


def _expected(alias: str, sql: str, params: Any) -> int:
    with connections[alias].cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
        plan = cursor.fetchone()[0]
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return int(plan[0]["Plan"]["Plan Rows"])
