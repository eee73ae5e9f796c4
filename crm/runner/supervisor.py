"""What ``make run`` runs: database, web, worker and beat, together.

Whatever dies is brought back. Ctrl-C or SIGTERM ends all of it, the database
last. After ``kill -9`` of everything the next start goes on where it was.
"""

import hashlib
import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from crm.runner import environment, messages, postgres
from crm.runner.child import Child, end_orphans, remember, say
from crm.runner.failures import CannotRun
from crm.runner.locks import FileLock

#: Longest that a request or task under way may take when all is stopped, seconds.
GRACE_SECONDS = 10.0
#: How often the supervisor looks whether all are alive, seconds.
LOOK_SECONDS = 0.25
#: A check whether the pages of a start are there at last, seconds.
FIRST_PAGE_TIMEOUT_SECONDS = 60.0


class Supervisor:
    """Keeps one house running on one data folder."""

    def __init__(self):
        environment.read_env_file()
        self.data_dir = environment.data_dir()
        self.host, self.port = environment.web_address()
        self._started_at = time.monotonic()
        self._stop = threading.Event()
        self._lock: FileLock | None = None
        self._database: postgres.EmbeddedDatabase | None = None
        self._children: list[Child] = []
        self._noted: list[int | None] = []
        self._table: Path = self.data_dir / "logins.txt"

    @property
    def base_url(self) -> str:
        """Return where a browser on this machine finds the pages."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104
        return f"http://{host}:{self.port}"

    def run(self) -> int:
        """Run until told to stop. Returns the exit code."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        try:
            self._open()
            self._boot_and_start()
            while not self._stop.wait(LOOK_SECONDS):
                self._look_after()
        except CannotRun as failure:
            if not self._stop.is_set():
                say(str(failure))
                return 1
        finally:
            self._close()
        return 0

    def _open(self) -> None:
        """Take the data folder and the port; start the database.

        Raises:
            CannotRun: somebody else has one of them.
        """
        self.data_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.data_dir / "run.lock")
        if not lock.take():
            raise CannotRun(
                f"Regulars already runs on {self.data_dir} ({lock.read()}). Stop it, "
                "or set CRM_DATA_DIR to another folder and CRM_PORT to another port."
            )
        lock.write(f"process {os.getpid()}, {self.base_url}")
        self._lock = lock
        end_orphans(self.data_dir / "children.txt")
        require_free_port(self.host, self.port)
        for folder in ("broker/queue", "broker/control", "files", "logs"):
            (self.data_dir / folder).mkdir(parents=True, exist_ok=True)
        messages.compile_stale(environment.REPOSITORY)
        if not os.environ.get("DATABASE_URL"):
            self._database = postgres.EmbeddedDatabase(self.data_dir)
            url = self._database.enter()
            environment.complete_for_embedded(url, self.data_dir)
            say(f" ✓ database ready ({self._seconds()})")

    def _boot_and_start(self) -> None:
        """Bring the tables up to date, then open the doors.

        A house that has booted with these very files opens its doors first and
        checks then.
        """
        boot = self._boot_child()
        stamp = self.data_dir / "boot-stamp"
        state = _state_of_files()
        known = self._database and stamp.exists() and stamp.read_text() == state
        if not known:
            self._finish(boot)
        web, *background = self._services()
        self._bring_up(web)
        self._wait_for_first_page()
        if known:
            self._finish(boot)
        stamp.write_text(state)
        # Last: on a small machine they would only slow the first page down.
        self._bring_up(*background)
        self._announce()

    def _bring_up(self, *children: Child) -> None:
        for child in children:
            child.start()
            self._children.append(child)
        self._note_children()

    def _boot_child(self) -> Child:
        return self._child(
            "boot",
            "manage.py",
            "boot",
            "--base-url",
            self.base_url,
            "--table",
            str(self._table),
            CRM_STATEMENT_TIMEOUT="0",
        )

    def _services(self) -> list[Child]:
        # Demo shops serve static files from where they are; nothing is collected.
        web = ["-W", "ignore:No directory at"]
        web += ["-m", "gunicorn", "crm.wsgi", "--config", "python:crm.runner.web"]
        web += ["--bind", f"{self.host}:{self.port}"]
        # Celery warns about root; here it takes no pickles, and a container has no
        # other user to offer.
        celery = ["-W", "ignore:You're running the worker with superuser"]
        celery += ["-m", "celery", "--quiet", "-A", "crm"]
        worker = [*celery, "worker", "-P", "threads", "-c", "4", "--without-gossip"]
        worker += ["--without-mingle", "--loglevel", "INFO"]
        beat = [*celery, "beat", "--loglevel", "WARNING"]
        return [
            self._child("web", *web),
            self._child("worker", *worker, CRM_STATEMENT_TIMEOUT="60s"),
            self._child("beat", *beat, CRM_STATEMENT_TIMEOUT="60s"),
        ]

    def _child(self, name: str, *arguments: str, **variables: str) -> Child:
        variables = {n: v for n, v in variables.items() if n not in os.environ}
        return Child(
            name,
            [sys.executable, *arguments],
            logs=self.data_dir / "logs",
            environment={"PYTHONUNBUFFERED": "1", **variables},
        )

    def _finish(self, boot: Child) -> None:
        """Run the boot command to its end, keeping the rest alive.

        Raises:
            CannotRun: it failed; its own lines say why.
        """
        boot.start()
        while (code := boot.wait(LOOK_SECONDS)) is None:
            if self._stop.is_set():
                boot.ask_to_end()
                boot.end(seconds=GRACE_SECONDS)
                raise CannotRun("Stopped.")
            self._look_after()
        if code != 0:
            raise CannotRun(
                "The shop could not be made ready; the lines above and "
                f"{self.data_dir / 'logs' / 'boot.log'} say why."
            )

    def _wait_for_first_page(self) -> None:
        deadline = time.monotonic() + FIRST_PAGE_TIMEOUT_SECONDS
        while not answers(f"{self.base_url}/livez"):
            if self._stop.wait(0.1):
                return
            if time.monotonic() > deadline:
                say("The pages do not answer yet; the lines above say why.")
                return
            self._look_after()
        say(f" ✓ pages answer ({self._seconds()} after the start)")

    def _announce(self) -> None:
        """Print where everything is."""
        table = self._table.read_text() if self._table.exists() else self.base_url
        say(f"\n{table}\nLogs: {self.data_dir / 'logs'}   Stop: Ctrl-C, data are kept.")

    def _look_after(self) -> None:
        """Bring back whatever died, the database first."""
        if self._database and not self._database.is_alive():
            say("The database ended; starting it again.")
            try:
                self._database.revive()
            except CannotRun as failure:
                say(str(failure))
                self._stop.wait(2)
                return
        for child in self._children:
            child.keep_alive()
        self._note_children()

    def _note_children(self) -> None:
        pids = [child.pid for child in self._children]
        if pids != self._noted:
            remember(self._children, self.data_dir / "children.txt")
            self._noted = pids

    def _on_signal(self, number: int, frame) -> None:
        if self._stop.is_set() and number == signal.SIGINT:
            for child in self._children:  # asked twice: do not wait for requests
                child.end(seconds=0)
        self._stop.set()

    def _close(self) -> None:
        """End everything, the database last, and let go of the folder."""
        if self._children:
            say("Stopping ...")
        for child in self._children:
            child.ask_to_end()
        deadline = time.monotonic() + GRACE_SECONDS
        for child in self._children:
            child.end(seconds=deadline - time.monotonic())
        if self._database:
            self._database.leave()
        if self._lock:
            (self.data_dir / "children.txt").unlink(missing_ok=True)
            self._lock.write("")
            self._lock.release()
            say(f"Stopped. The data are in {self.data_dir}.")

    def _seconds(self) -> str:
        return f"{time.monotonic() - self._started_at:.1f} s"


def require_free_port(host: str, port: int) -> None:
    """Check that pages can be served there.

    Raises:
        CannotRun: the port is taken, forbidden or the host is not ours.
    """
    try:
        family, kind, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as problem:
        raise CannotRun(
            f"Port {port} on {host} cannot be used ({problem.strerror}). Stop what "
            f"uses it, or choose another: CRM_PORT={port + 1 if port < 65535 else 8000}"
            " make run."
        ) from problem


def answers(url: str) -> bool:
    """Tell whether a page answers, with whatever it has to say."""
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310  our own address
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _state_of_files() -> str:
    """Name the state of the program: any changed file gives another name."""
    digest = hashlib.sha256()
    for pattern in ("*/**/*.py", "*/**/*.sql", "requirements*.txt"):
        for path in sorted(environment.REPOSITORY.glob(pattern)):
            if not {".venv", "tests", "var"} & set(path.parts):
                status = path.stat()
                digest.update(f"{path} {status.st_mtime_ns} {status.st_size}".encode())
    return digest.hexdigest()


def main() -> int:
    """Run the house; the exit code for the shell."""
    os.chdir(environment.REPOSITORY)
    try:
        return Supervisor().run()
    except CannotRun as failure:
        say(str(failure))
        return 1
