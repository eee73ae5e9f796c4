"""A whole house under test: it is started as ``make run`` starts it, and hurt.

The supervisor, web, worker, beat, PostgreSQL and the broker are real processes; the
faults are SIGKILL to a process group and deletion of the broker's data.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg

from crm.runner import postgres

REPOSITORY = Path(__file__).resolve().parents[2]
SECRET_KEY = "kill-tests-only-" + "0123456789abcdef" * 4
#: Longest until a house on a busy machine answers for the first time, seconds.
START_SECONDS = 120


def free_port() -> int:
    """Return a port of the loopback nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(true: Callable[[], object], *, seconds: float, what: str) -> float:
    """Wait for something and return how long it took, in seconds."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        if true():
            return time.monotonic() - started
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {seconds} s")


def signal_all(processes: list[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to all of them that still live."""
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


class House:
    """One running house on a folder of its own."""

    def __init__(self, folder: Path, *, broker_url: str = ""):
        self.folder = folder
        self.port = free_port()
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CRM_", "CELERY_", "DATABASE_", "DJANGO_"))
        } | {
            "CRM_DATA_DIR": str(folder),
            "CRM_PORT": str(self.port),
            "CRM_ENVIRONMENT": "test",
            "CRM_SECRET_KEY": SECRET_KEY,
            "DJANGO_SETTINGS_MODULE": "crm.settings",
            "PYTHONUNBUFFERED": "1",
        }
        if broker_url:
            self.environment["CELERY_BROKER_URL"] = broker_url
        self.process: subprocess.Popen | None = None

    def start(self) -> float:
        """Start everything; return the seconds until the first answer."""
        self.folder.mkdir(parents=True, exist_ok=True)
        log = (self.folder / "house.log").open("a")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "crm.runner"],
            cwd=REPOSITORY,
            env=self.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        return wait_until(self.is_ready, seconds=START_SECONDS, what="first answer")

    def stop(self) -> None:
        """Ask the house to stop, as Ctrl-C does."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=60)
        postgres.stop(self.folder, mode="immediate")

    def plant(self, script: str = "plant.py") -> dict:
        """Write what clients need; return what the script says of it."""
        return json.loads(self._inside(script))

    def begin(self, script: str, work: list[dict]) -> subprocess.Popen:
        """Start a script of this folder on a list of work; what it says is piped."""
        file = self.folder / f"{script}.json"
        file.write_text(json.dumps(work))
        return subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name(script)), str(file)],
            cwd=REPOSITORY,
            env={**self.environment, "DATABASE_URL": self.database_url},
            stdout=subprocess.PIPE,
            stderr=(self.folder / "house.log").open("a"),
            text=True,
            start_new_session=True,
        )

    def enqueue_import(self, file: Path) -> str:
        """Ask for the import of a file; return the job's public id."""
        return self._inside("enqueue.py", str(file))

    def _inside(self, script: str, *arguments: str) -> str:
        """Run a script of this folder on the house's database; its last line."""
        answer = subprocess.run(
            [sys.executable, str(Path(__file__).with_name(script)), *arguments],
            cwd=REPOSITORY,
            env={**self.environment, "DATABASE_URL": self.database_url},
            capture_output=True,
            text=True,
            check=True,
        )
        return answer.stdout.splitlines()[-1]

    def manage(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run a management command against the house's database."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=REPOSITORY,
            env={**self.environment, "DATABASE_URL": self.database_url},
            capture_output=True,
            text=True,
            check=False,
        )

    # --- Looking ---------------------------------------------------------------

    @property
    def database_url(self) -> str:
        """Return where the embedded database of this folder answers."""
        return postgres.server_of(self.folder).url()

    def query(self, sql: str, *values):
        """Return all rows of a query, asked past the product."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(sql, values or None).fetchall()

    def one(self, sql: str, *values):
        """Return the single value of a query."""
        return self.query(sql, *values)[0][0]

    def is_ready(self) -> bool:
        """Whether the web answers and reaches its database."""
        request = b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n"
        try:
            with socket.create_connection(("127.0.0.1", self.port), 2) as line:
                line.sendall(request)
                return b" 200 " in line.recv(64)
        except OSError:
            return False

    def child(self, name: str) -> int:
        """Return the process id of web, worker or beat."""
        for line in (self.folder / "children.txt").read_text().splitlines():
            known, pid, _created = line.split()
            if known == name:
                return int(pid)
        raise AssertionError(f"{name} does not run")

    # --- Hurting ----------------------------------------------------------------

    def kill(self, name: str) -> int:
        """SIGKILL the whole process group of a child; return who led it."""
        pid = self.child(name)
        os.killpg(pid, signal.SIGKILL)
        return pid

    def kill_one_web_process(self) -> None:
        """SIGKILL one process that serves requests; its master lives."""
        self.processes_of("web")[1].kill()

    def crash_database(self) -> None:
        """Stop PostgreSQL without a checkpoint, as a power cut would."""
        signal_all(self.processes_of("database"), signal.SIGKILL)

    def pause(self, processes: list[psutil.Process], *, seconds: float) -> None:
        """SIGSTOP processes in the middle of what they do, and let them go on later."""
        signal_all(processes, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            signal_all(processes, signal.SIGCONT)

    def processes_of(self, name: str) -> list[psutil.Process]:
        """Return a child (web, worker, beat, database) and all that it started."""
        if name == "database":
            pid_file = next(self.folder.glob("pgdata-*")) / "postmaster.pid"
            pid = int(pid_file.read_text().splitlines()[0])
        else:
            pid = self.child(name)
        leader = psutil.Process(pid)
        return [leader, *leader.children(recursive=True)]

    def wipe_filesystem_broker(self) -> None:
        """Throw every message of the embedded broker away."""
        for folder in ("queue", "control"):
            shutil.rmtree(self.folder / "broker" / folder, ignore_errors=True)
            (self.folder / "broker" / folder).mkdir(parents=True, exist_ok=True)
