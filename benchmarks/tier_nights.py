"""Nights of tiers and of expiring points, beside the bare SQL of the same writes.

``python -m benchmarks.tier_nights [--members 100000]`` fills a throw-away shop in which
every member has a lot of points and two orders, nobody was looked at yet, and one lot
in five is over. It then looks at all tiers for the first time, a day later and an hour
after that, and expires the lots, each in a process of its own: seconds, members or
lots per second, and the memory of the process at its highest. The limit of the first
night and of the lots is one statement that is rolled back; both sides must come to the
same tiers and sums.
"""

import argparse
import json
import sys

from benchmarks.measuring import machine, said, table, throw_away_shop, told_by

#: A process of its own for each part: its peak of memory is that part's.
_WORKER = "benchmarks.nights.working"

HEADINGS = ["night", "changed", "seconds", "changed / s", "peak MB", "times bare SQL"]
#: A night -> the bare side that it is measured against, if there is one.
NIGHTS = {
    "tiers, first look at all": "bare tiers",
    "tiers, a day later": "",
    "tiers, an hour later": "",
    "lots that are over": "bare lots",
}


def main() -> None:
    """Start a shop, let it be filled and looked at, throw it away.

    Raises:
        SystemExit: the two sides came to different books.
    """
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--members", type=int, default=100_000)
    wanted = arguments.parse_args()
    rows = []
    with throw_away_shop():
        with said(f"Filling in {wanted.members:,d} members"):
            told_by(_WORKER, "fill", str(wanted.members))
        for night, bare in NIGHTS.items():
            with said(night):
                limit = json.loads(told_by(_WORKER, bare)) if bare else None
                ours = json.loads(told_by(_WORKER, night))
            if limit is not None:
                rows.append(_line(bare, limit, 0))
                if limit["books"] != ours["books"]:
                    sys.exit(f"{night}: {ours['books']} is not {limit['books']}.")
            rows.append(_line(night, ours, limit["seconds"] if limit else 0))
    print(f"\n{table(HEADINGS, rows)}\n\n{machine()}")


def _line(night: str, cost: dict, limit: float) -> list[str]:
    return [
        night,
        f"{cost['changed']:,d}",
        f"{cost['seconds']:.2f}",
        f"{cost['changed'] / cost['seconds']:,.0f}",
        f"{cost['peak_mb']:.0f}",
        f"{cost['seconds'] / limit:.1f}" if limit else "–",
    ]


if __name__ == "__main__":
    main()
