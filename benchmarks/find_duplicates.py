"""The search for duplicates: all members, then a night's, beside a bare self-join.

``python -m benchmarks.find_duplicates [--members 100000]`` fills a throw-away shop,
looks for the duplicates of everybody as the job does, chunk by chunk, then of one
member in a hundred, as after a day of changes, and prints seconds, members per second
and the memory of the process at its highest. The limit is one hash join of the kept
keys with themselves: no opening, no comparing, no writing.
"""

import argparse
import json

from benchmarks.measuring import machine, said, table, throw_away_shop, told_by

#: A process of its own for each part: its peak of memory is that part's.
_WORKER = "benchmarks.console.searching"

HEADINGS = ["search", "members", "pairs", "seconds", "members / s", "peak MB"]


def main() -> None:
    """Start a shop, let it be filled and searched, throw it away."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--members", type=int, default=100_000)
    wanted = arguments.parse_args()
    rows = []
    with throw_away_shop():
        with said(f"Filling in {wanted.members:,d} members"):
            told_by(_WORKER, "fill", str(wanted.members))
        # A process each, so that each has a peak of its own.
        for search in ("everybody", "a night", "bare self-join"):
            rows.append(line(search, json.loads(told_by(_WORKER, search))))
    print(f"\n{table(HEADINGS, rows)}\n\n{machine()}")


def line(search: str, cost: dict) -> list[str]:
    """Return one line of the table."""
    return [
        search,
        f"{cost['members']:,d}",
        f"{cost['pairs']:,d}",
        f"{cost['seconds']:.1f}",
        f"{cost['members'] / cost['seconds']:,.0f}",
        f"{cost['peak_mb']:.0f}",
    ]


if __name__ == "__main__":
    main()
