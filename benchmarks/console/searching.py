"""One search for duplicates in the shop of the environment; see ``find_duplicates``."""

# isort: off
import django

django.setup()
# isort: on

import json
import resource
import sys
import time
from datetime import UTC, datetime

from django.db import connection

from benchmarks.console.crowd import fill
from members.services.finding_duplicates import (
    MOST_SHARING,
    search_chunk,
)

#: One member in so many changes in a day.
CHANGED = 100
_KB = 1024
_SELF_JOIN = """
WITH keyed AS MATERIALIZED (
    SELECT member_id, unnest(keys) AS key FROM members_matchkeys
), rare AS (
    SELECT key FROM keyed GROUP BY key HAVING count(*) BETWEEN 2 AND %(most)s
)
SELECT count(*) FROM (
    SELECT DISTINCT one.member_id, other.member_id
      FROM rare JOIN keyed one USING (key) JOIN keyed other USING (key)
     WHERE one.member_id < other.member_id) pairs
"""


def main(search: str, *numbers: str) -> None:
    """Fill the shop, or search it and print the cost as JSON."""
    if search == "fill":
        members = int(numbers[0])
        fill(members=members, entries=members, orders=members, now=datetime.now(UTC))
        return
    if search == "a night":
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE members_member SET version = version + 1 WHERE id %% %s = 0",
                [CHANGED],
            )
    started = time.perf_counter()
    run = self_join if search == "bare self-join" else search_members
    members, pairs = run(changed_only=search == "a night")
    cost = {"members": members, "pairs": pairs}
    cost["seconds"] = time.perf_counter() - started
    cost["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KB
    print(json.dumps(cost))


def search_members(*, changed_only: bool) -> tuple[int, int]:
    """Search chunk by chunk, as the job does; return members looked at, and pairs."""
    members = pairs = last_id = 0
    while True:
        part = search_chunk(
            after_id=last_id, changed_only=changed_only, now=datetime.now(UTC)
        )
        if not part.members:
            return members, pairs
        last_id = part.last_id
        members, pairs = members + part.members, pairs + part.pairs


def self_join(*, changed_only: bool) -> tuple[int, int]:
    """Return members with keys, and pairs of members that share one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM members_matchkeys")
        (members,) = cursor.fetchone()
        cursor.execute(_SELF_JOIN, {"most": MOST_SHARING})
        (pairs,) = cursor.fetchone()
    return members, pairs


if __name__ == "__main__":
    main(*sys.argv[1:])
