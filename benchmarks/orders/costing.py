"""What a piece of work costs: time, processors and statements."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.db import connection
from django.test.utils import CaptureQueriesContext


@dataclass(frozen=True, slots=True)
class Cost:
    """What one order took: on the clock, and of both processors (ours, PostgreSQL)."""

    wall_ms: float
    cpu_ms: float


def timed(work: Callable[[], object], times: int, server: int) -> Callable[[], Cost]:
    """Return a function that does the work so often and says what one took.

    Args:
        server: process id of PostgreSQL's side of the connection.
    """

    def run() -> Cost:
        wall, cpu = time.perf_counter(), time.process_time() + used_by(server)
        for _ in range(times):
            work()
        cpu = time.process_time() + used_by(server) - cpu
        wall = time.perf_counter() - wall
        return Cost(wall / times * 1000, cpu / times * 1000)

    return run


def used_by(process: int) -> float:
    """Return the processor seconds of a process, to the microsecond (Linux)."""
    nanoseconds = Path(f"/proc/{process}/schedstat").read_text().split()[0]
    return int(nanoseconds) / 1e9


def statements(work: Callable[[], object]) -> int:
    """Return how many statements something takes, BEGIN and COMMIT included."""
    with CaptureQueriesContext(connection) as captured:
        work()
    return len(captured)
