"""The near end of a process that opens pages: see ``opening``."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from subprocess import PIPE, Popen

from benchmarks.measuring import ROOT


@dataclass(frozen=True, slots=True)
class Opened:
    """One page as it was opened once. Times in milliseconds, size in bytes."""

    ms: float
    sql_ms: float
    statements: int
    size: int
    rows: list[str]


class Pages:
    """A process that opens pages with these settings, signed in as ``login``.

    ``database`` is the address of another shop than this process's.
    """

    def __init__(self, settings: str, login: str, *, database: str = ""):
        self.settings = settings
        elsewhere = {"DATABASE_URL": database} if database else {}
        self._process = Popen(
            # Without the hint that nobody collected static files.
            [sys.executable, "-W", "ignore", "-m", "benchmarks.console.opening", login],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": settings, **elsewhere},
            stdin=PIPE,
            stdout=PIPE,
            text=True,
        )

    def __enter__(self) -> "Pages":
        return self

    def __exit__(self, *failure) -> None:
        # It ends when nobody asks any more.
        self._process.communicate(timeout=60)

    def opener(self, path: str, rows: str) -> Callable[[], Opened]:
        """Return a function that opens ``path`` once.

        Args:
            path: with its query.
            rows: pattern of what names a row, such as a member number.
        """
        question = json.dumps({"path": path, "rows": rows}) + "\n"

        def open_page() -> Opened:
            self._process.stdin.write(question)
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
            if not answer:
                sys.exit(f"{path} does not open with {self.settings}.")
            return Opened(**json.loads(answer))

        return open_page
