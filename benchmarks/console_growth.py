"""Every list of the console in a shop and in one ten times as large, in turn.

``python -m benchmarks.console_growth [--members 100000 1000000] [--turns 3]`` fills
two throw-away shops and opens every list in every way it offers, A B A B, in both.
Per list it prints the SQL in the larger shop, the slowest way, and how many times
longer the larger shop takes. See ``benchmarks/README.md``.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from benchmarks.console.pages import Pages
from benchmarks.measuring import (
    ROOT,
    in_turn,
    machine,
    ratio,
    table,
    throw_away_shop,
)

LOGIN = "bench"
HEADINGS = [
    *("list", "rows", "ways", "SQL ms, median way", "slowest way", "its SQL ms"),
    *("larger / smaller, median way", "highest"),
]
#: Shorter than this, times are noise, and so are their ratios: milliseconds.
NOISE_MS = 5.0


@dataclass(frozen=True, slots=True)
class Measured:
    """One way to open a list: SQL milliseconds in the larger shop, and the ratio."""

    way: str
    ms: float
    times: float


def main() -> None:
    """Fill two shops, measure, throw them away."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--members", type=int, nargs=2, default=[100_000, 1_000_000])
    arguments.add_argument("--turns", type=int, default=3)
    wanted = arguments.parse_args()
    with ExitStack() as shops:
        databases = []
        for members in wanted.members:
            shops.enter_context(throw_away_shop())
            _run("filling", str(members))
            databases.append(os.environ["DATABASE_URL"])
        measure(databases, turns=wanted.turns)
    print(machine())


def measure(databases: list[str], *, turns: int) -> None:
    """Open every list of two filled shops, the smaller one first, and print a table."""
    smaller, larger = (ways_of(database) for database in databases)
    found: dict[str, list[Measured]] = defaultdict(list)
    with (
        Pages("crm.settings", LOGIN, database=databases[0]) as small,
        Pages("crm.settings", LOGIN, database=databases[1]) as large,
    ):
        for key, told in larger.items():
            costs = in_turn(
                {
                    "small": small.opener(smaller[key]["path"], "^$"),
                    "large": large.opener(told["path"], "^$"),
                },
                turns=turns,
            )
            before, after = ([page.sql_ms for page in costs[s]] for s in costs)
            found[told["list"]].append(
                Measured(told["way"], median(after), ratio(after, before).median)
            )
    sizes = {told["list"]: told["rows"] for told in larger.values()}
    print(table(HEADINGS, [line(name, sizes[name], found[name]) for name in found]))


def ways_of(database: str) -> dict[tuple[str, str], dict]:
    """Return every way to open every list of a shop, by list and name of the way."""
    told = _run("ways", LOGIN, DATABASE_URL=database)
    ways = [json.loads(line) for line in told.splitlines()]
    return {(way["list"], way["way"]): way for way in ways}


def line(name: str, rows: int, ways: list[Measured]) -> list[str]:
    """Return one line of the table."""
    slowest = max(ways, key=lambda way: way.ms)
    told = [way.times for way in ways if way.ms >= NOISE_MS]
    return [
        name,
        f"{rows:,d}",
        str(len(ways)),
        f"{median(way.ms for way in ways):.1f}",
        slowest.way,
        f"{slowest.ms:.1f}",
        f"{median(way.times for way in ways):.2f}",
        f"{max(told):.2f}" if told else "–",
    ]


def _run(module: str, *args: str, **environment: str) -> str:
    """Run a module of ``benchmarks.console`` in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", f"benchmarks.console.{module}", *args],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


if __name__ == "__main__":
    main()
