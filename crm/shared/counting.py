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
        return _counted_and_expected(rows, exact_up_to)
    rows = rows.order_by()
    seen = rows[: exact_up_to + 1].count()
    if seen <= exact_up_to:
        return Count(seen, is_exact=True)
    return Count(max(seen, planner_rows(rows)), is_exact=False)


def _counted_and_expected(rows: Listing, exact_up_to: int) -> Count:
    """Run the first rows under EXPLAIN: it says how many came, how many it expects."""
    if rows.is_empty:
        return Count(0, is_exact=True)
    text, params = rows.keys()
    plan = _explained(
        "default",
        "ANALYZE, BUFFERS OFF, SUMMARY OFF, TIMING OFF",
        f"{text} LIMIT {exact_up_to + 1:d}",
        params,
    )
    seen = int(plan["Actual Rows"])
    if seen <= exact_up_to:
        return Count(seen, is_exact=True)
    # Beside it may stand what was worked out once, before any row.
    (limited,) = (
        part for part in plan["Plans"] if part["Parent Relationship"] == "Outer"
    )
    return Count(max(seen, int(limited["Plan Rows"])), is_exact=False)


def planner_rows(rows: QuerySet) -> int:
    """Return how many rows PostgreSQL expects a query to give, without running it."""
    if rows.query.is_empty():
        return 0
    sql, params = rows.values_list("pk").query.sql_with_params()
    return int(_explained(rows.db, "COSTS", sql, params)["Plan Rows"])


def _explained(alias: str, how: str, sql: str, params: Any) -> dict[str, Any]:
    with connections[alias].cursor() as cursor:
        cursor.execute(f"EXPLAIN ({how}, FORMAT JSON) {sql}", params)
        plan = cursor.fetchone()[0]
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return plan[0]["Plan"]
