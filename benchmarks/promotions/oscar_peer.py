"""Talks with the peer, which runs in a process of its own."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from benchmarks.measuring import ROOT


class Peer:
    """django-oscar behind a pipe."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._answer()

    def asked(self, **what: Any) -> dict[str, Any]:
        """Return its answer; see ``oscar_side``."""
        assert self.process.stdin is not None
        print(json.dumps(what), file=self.process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("django-oscar ended; see its errors above.")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def peer(database_url: str) -> Iterator[Peer | None]:
    """Give the peer with a database beside ours, or None without ``OSCAR_PYTHON``."""
    python = os.environ.get("OSCAR_PYTHON")
    if not python:
        yield None
        return
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE oscar")
    where = conninfo_to_dict(database_url) | {"dbname": "oscar"}
    environment = {
        "PATH": os.environ["PATH"],
        "OSCAR_DATABASE": make_conninfo(**where),
    }
    with subprocess.Popen(
        [python, "-m", "benchmarks.promotions.oscar_side"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Peer(process)
        finally:
            process.terminate()
