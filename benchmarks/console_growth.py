"""Every list of the console in a shop and in one ten times as large, in turn.

``python -m benchmarks.console_growth [--members 100000 1000000] [--turns 3]`` fills
two throw-away shops, both at once, and opens every list in every way it offers,
A B A B, in both. Per list it prints the SQL in the larger shop, the slowest way, and
how many times longer the larger shop takes. ``--entries 1 --orders 1`` of a member
fill a very large shop in less time and room. See ``benchmarks/README.md``.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from subprocess import Popen

from benchmarks.console.pages import Opened, Pages
from benchmarks.measuring import (
    ROOT,
    in_turn,
    machine,
    ratio,
    said,
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
    arguments.add_argument("--entries", type=int, default=3, help="of each member")
    arguments.add_argument("--orders", type=int, default=2, help="of each member")
    wanted = arguments.parse_args()
    with ExitStack() as shops:
        databases, fillings = [], []
        for members in wanted.members:
            shops.enter_context(throw_away_shop())
            numbers = map(str, (members, wanted.entries, wanted.orders))
            fillings.append(Popen(_command("filling", *numbers), cwd=ROOT))
            databases.append(os.environ["DATABASE_URL"])
        with said("Filling"):
            failed = [filling.wait() for filling in fillings]
        if any(failed):
            sys.exit("A shop could not be filled.")
        measure(databases, turns=wanted.turns)
    print(machine())


def measure(databases: list[str], *, turns: int) -> None:
    """Open every list of two filled shops, the smaller one first, and print a table.

    What a list took is told at once, and all of them in the table at the end.
    """
    smaller, larger = (ways_of(database) for database in databases)
    told_of: dict[str, list[dict]] = defaultdict(list)
    for told in larger.values():
        told_of[told["list"]].append(told)
    lines = []
    with (
        Pages("crm.settings", LOGIN, database=databases[0]) as small,
        Pages("crm.settings", LOGIN, database=databases[1]) as large,
    ):
        for name, ways in told_of.items():
            found = [
                opened(
                    told["way"],
                    small.opener(smaller[name, told["way"]]["path"], "^$"),
                    large.opener(told["path"], "^$"),
                    turns=turns,
                )
                for told in ways
            ]
            lines.append(line(name, ways[0]["rows"], found))
            print(" | ".join(lines[-1]), flush=True)
    print(f"\n{table(HEADINGS, lines)}\n")


def opened(
    way: str, small: Callable[[], Opened], large: Callable[[], Opened], *, turns: int
) -> Measured:
    """Open a list in one way in both shops, in turn."""
    costs = in_turn({"small": small, "large": large}, turns=turns)
    before, after = ([page.sql_ms for page in costs[shop]] for shop in costs)
    return Measured(way, median(after), ratio(after, before).median)


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
        _command(module, *args),
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def _command(module: str, *args: str) -> list[str]:
    return [sys.executable, "-W", "ignore", "-m", f"benchmarks.console.{module}", *args]


if __name__ == "__main__":
    main()
