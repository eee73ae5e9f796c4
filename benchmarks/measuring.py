"""What benchmarks share: a server of their own, turns, ratios, a table.

Milliseconds of a busy machine mean little. What is compared therefore runs in
turn, A B C A B C, and the result is the median of the ratios turn by turn, with
the lowest and the highest beside it.
"""

import argparse
import base64
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeVar

ROOT = Path(__file__).resolve().parent.parent

from crm.runner import postgres

T = TypeVar("T")
#: Keys for all shops of a script: what is sealed in one is read beside another.
_SEAL, _INDEX = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))


@contextmanager
def throw_away_shop(*, durable: bool = False) -> Iterator[None]:
    """Give this process and its children a migrated, empty shop; discard it after.

    Statements may take as long as they like.

    Args:
        durable: False gives up safety after a crash, for what is filled once and then
            only read; True flushes every commit to disk, as a shop does.
    """
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        for name in [n for n in os.environ if n.startswith(("CRM_", "CELERY_"))]:
            if name != "CRM_NO_USER_NAMESPACES":
                del os.environ[name]
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "crm.settings",
            "CRM_ENVIRONMENT": "test",
            "CRM_DATA_DIR": folder,
            "CRM_STATEMENT_TIMEOUT": "0",
            "CRM_LOG_LEVEL": "WARNING",
            "CRM_ENCRYPTION_KEYS": f"1:{_SEAL}",
            "CRM_INDEX_KEYS": f"1:{_INDEX}",
            "DATABASE_URL": postgres.start(data, durable=durable),
        }
        try:
            manage("migrate", "--skip-checks", "--verbosity", "0")
            yield
        finally:
            postgres.stop(data, mode="immediate")


def measure_in_shop(
    module: str, about: str | None, *, durable: bool = False, **options: int
) -> None:
    """Run a module in a throw-away shop, with numbers from the command line.

    Args:
        module: what fills the shop, measures and prints; a process of its own, since
            Django reads its settings when it is imported. It is given the options.
        about: its first line is what ``--help`` says.
        durable: as in ``throw_away_shop``.
        options: name of an option -> the number where none is given.
    """
    arguments = argparse.ArgumentParser(description=(about or "").splitlines()[0])
    for name, default in options.items():
        arguments.add_argument(f"--{name}", type=int, default=default)
    wanted = vars(arguments.parse_args())
    started = time.perf_counter()
    with throw_away_shop(durable=durable):
        done = subprocess.run(
            [sys.executable, "-m", module, *(str(wanted[name]) for name in options)],
            cwd=ROOT,
            check=False,
        )
    print(f"{machine()}; {time.perf_counter() - started:.0f} s in all.")
    sys.exit(done.returncode)


def told_by(module: str, *args: str) -> str:
    """Run a module in a process of its own and return what it printed.

    Raises:
        CalledProcessError: it failed; it has said why.
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", module, *args],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def manage(*args: str) -> str:
    """Run a management command in a process of its own and return what it said.

    Raises:
        SystemExit: it failed; the text is its error output.
    """
    done = subprocess.run(
        [sys.executable, "manage.py", *args],
        cwd=ROOT,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


@contextmanager
def said(what: str) -> Iterator[None]:
    """Say what is being done, and how long it took."""
    print(f"{what} ... ", end="", flush=True)
    started = time.perf_counter()
    yield
    print(f"{time.perf_counter() - started:.1f} s", flush=True)


def in_turn(runs: Mapping[str, Callable[[], T]], *, turns: int) -> dict[str, list[T]]:
    """Run everything once uncounted, then all in turn; return what each gave.

    Args:
        runs: name -> what to run; it measures itself.
        turns: counted runs of each.
    """
    for run in runs.values():
        run()
    found: dict[str, list[T]] = {name: [] for name in runs}
    for _turn in range(turns):
        for name, run in runs.items():
            found[name].append(run())
    return found


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times longer one thing takes than another, turn by turn."""

    median: float
    lowest: float
    highest: float

    def __str__(self):
        return f"{self.median:.3g} [{self.lowest:.3g}..{self.highest:.3g}]"


def ratio(slow: Sequence[float], fast: Sequence[float]) -> Ratio:
    """Return ``slow / fast`` of runs that were made in turn.

    >>> str(ratio([10, 30, 20], [5, 10, 5]))
    '3 [2..4]'
    """
    ratios = [a / b for a, b in zip(slow, fast, strict=True)]
    return Ratio(median(ratios), min(ratios), max(ratios))


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a Markdown table whose columns line up."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    lines = [headings, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| "
        + " | ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in lines
    )


def machine() -> str:
    """Return what was measured on, and how busy it was."""
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores, load {load:.1f}, Python "
        f"{sys.version_info.major}.{sys.version_info.minor}"
    )
