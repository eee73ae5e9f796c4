"""The embedded PostgreSQL: starts, finds again, stops.

Only the binaries of the wheel are used. The server listens on a socket in its
own data folder, never on TCP, so a client cannot meet another server by mistake.
"""

import hashlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from crm.runner import environment
from crm.runner.binaries import (
    ServerPrograms,
    as_permitted_user,
    find_programs,
    hand_over,
)
from crm.runner.failures import CannotRun
from crm.runner.locks import FileLock, locked

DATABASE_NAME = "regulars"
#: A socket address holds 107 bytes; the file name needs about 20 of them.
LONGEST_SOCKET_FOLDER = 85
#: Crash recovery of a busy shop may take a while; giving up would be worse.
START_TIMEOUT_SECONDS = 120

_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "log_parameter_max_length_on_error": "0",
    # What is read at random comes from memory or a solid-state disk.
    "random_page_cost": "1.1",
    "jit": "off",
}
_THROW_AWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
    "autovacuum": "off",
    "max_wal_size": "2GB",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A cluster on disk and the address its server answers at."""

    programs: ServerPrograms
    cluster: Path
    socket_dir: Path

    def url(self, database: str = DATABASE_NAME) -> str:
        """Return the address in the form libpq and django-environ both read."""
        return f"postgresql://postgres@/{database}?host={quote(str(self.socket_dir))}"

    def is_ready(self) -> bool:
        """Tell whether it accepts connections now."""
        answer = self.programs.run("pg_isready", "-q", "-h", self.socket_dir)
        return answer.returncode == 0

    def process(self) -> psutil.Process | None:
        """Return the running postmaster, or None.

        After ``kill -9`` the pid file stays behind, and its number may by now
        belong to anybody, or to a zombie nobody reaps.
        """
        try:
            first_line = (self.cluster / "postmaster.pid").read_text().split("\n")[0]
            process = psutil.Process(int(first_line))
            alive = process.status() != psutil.STATUS_ZOMBIE
            ours = str(self.cluster) in process.cmdline()
        except (OSError, ValueError, psutil.Error):
            return None
        return process if alive and ours else None


def server_of(data_dir: Path) -> Server:
    """Describe the server whose data live under ``data_dir``; starts nothing.

    Raises:
        CannotRun: no PostgreSQL, or the data were written by another major version.
    """
    programs = find_programs()
    data_dir = data_dir.resolve()
    wanted = data_dir / f"pgdata-{programs.major}"
    others = sorted(data_dir.glob("pgdata-*/PG_VERSION"))
    if others and not (wanted / "PG_VERSION").exists():
        raise CannotRun(
            f"{others[-1].parent} was written by another PostgreSQL major version "
            f"than the {programs.major} found here: dump it there, or move it away."
        )
    programs, cluster = as_permitted_user(programs, wanted)
    socket_dir = cluster
    if len(str(cluster).encode()) > LONGEST_SOCKET_FOLDER:
        digest = hashlib.sha256(str(cluster).encode()).hexdigest()[:12]
        socket_dir = Path(tempfile.gettempdir()) / f"regulars-pg-{digest}"
    return Server(programs=programs, cluster=cluster, socket_dir=socket_dir)


def start(data_dir: Path, *, durable: bool = True) -> str:
    """Start the server of ``data_dir`` if it does not run; create what is absent.

    Args:
        data_dir: the house's data folder; the cluster is ``pgdata-<major>`` in it.
        durable: False gives up safety after a crash for speed. For tests only.

    Returns:
        The ``DATABASE_URL`` of the database ``regulars``.

    Raises:
        CannotRun: it does not start; the text holds the end of its log.
    """
    server = server_of(data_dir)
    data_dir.mkdir(parents=True, exist_ok=True)
    with locked(data_dir / "postgres.lock"):
        if not server.is_ready():
            hand_over(server.programs, server.cluster)
            _create_cluster(server, durable=durable)
            _start_server(server, durable=durable)
        _create_database(server)
    return server.url()


def stop(data_dir: Path, *, mode: str = "fast") -> None:
    """Stop the server of ``data_dir`` and wait; nothing happens if it does not run.

    Args:
        data_dir: as in ``start``.
        mode: ``fast`` breaks connections and saves; ``immediate`` just ends.
    """
    number = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}[mode]
    if not data_dir.exists():
        return
    server = server_of(data_dir)
    with locked(data_dir / "postgres.lock"):
        process = server.process()
        if process is None:
            return
        try:
            # Signalled directly: pg_ctl would refuse to run as root.
            process.send_signal(number)
            process.wait(timeout=60)
        except psutil.NoSuchProcess:
            pass
        except psutil.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            psutil.wait_procs([process], timeout=30)
        if server.socket_dir != server.cluster:
            shutil.rmtree(server.socket_dir, ignore_errors=True)


def is_running(data_dir: Path) -> bool:
    """Tell whether the server of ``data_dir`` accepts connections."""
    return server_of(data_dir).is_ready()


class EmbeddedDatabase:
    """One user of the embedded server. The last one out turns it off.

    Every user holds a shared lock; whoever leaves and can then take it alone
    knows that nobody else needs the server.
    """

    def __init__(self, data_dir: Path):
        self.data_dir = data_dir
        self._users = FileLock(data_dir / "postgres.users")
        self._server: Server | None = None

    def enter(self) -> str:
        """Start the server if needed and return its ``DATABASE_URL``.

        Raises:
            CannotRun: it does not start.
        """
        self._users.share()
        url = start(self.data_dir)
        self._server = server_of(self.data_dir)
        return url

    def is_alive(self) -> bool:
        """Tell, cheaply, whether the server process is there."""
        return self._server is None or self._server.process() is not None

    def revive(self) -> None:
        """Start the server again after it died.

        Raises:
            CannotRun: it does not start.
        """
        start(self.data_dir)

    def leave(self) -> None:
        """Stop the server unless somebody else uses it."""
        try:
            if self._users.take():
                stop(self.data_dir)
        finally:
            self._users.release()


@contextmanager
def database_for_commands() -> Iterator[None]:
    """Give a management command a database and the time to use it.

    With ``DATABASE_URL`` set, in the shell or in ``.env``, that one. Otherwise the
    embedded server is started, and stopped afterwards if nobody else uses it.

    Raises:
        SystemExit: the server does not start; the text says why.
    """
    environment.read_env_file()
    # The limits of the web are not for commands, which may take their time.
    os.environ.setdefault("CRM_STATEMENT_TIMEOUT", "0")
    if os.environ.get("DATABASE_URL"):
        yield
        return
    folder = environment.data_dir()
    database = EmbeddedDatabase(folder)
    try:
        url = database.enter()
    except CannotRun as failure:
        raise SystemExit(str(failure)) from failure
    environment.complete_for_embedded(url, folder)
    try:
        yield
    finally:
        database.leave()


def _create_cluster(server: Server, *, durable: bool) -> None:
    if (server.cluster / "PG_VERSION").exists():
        return
    # initdb refuses a folder that holds something: what a crash left is rubbish.
    if server.cluster.exists():
        for leftover in server.cluster.iterdir():
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    else:
        server.cluster.mkdir(mode=0o700, parents=True)
    options = ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
    options.append("--data-checksums" if durable else "--no-sync")
    if server.programs.major >= 17:
        # Not the environment's locale: under "C" trigrams of Chinese are empty.
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    answer = server.programs.run(
        "initdb", "-D", server.cluster, "-U", "postgres", *options
    )
    if answer.returncode != 0:
        raise CannotRun(
            f"The database folder {server.cluster} could not be created: "
            f"{answer.stderr.strip()[-1500:]}"
        )


def _start_server(server: Server, *, durable: bool) -> None:
    """Start and wait until it answers, over whatever a crash left behind."""
    _prepare_socket_dir(server)
    options = {**_OPTIONS, "unix_socket_directories": str(server.socket_dir)}
    if not durable:
        options |= _THROW_AWAY
    flags = " ".join(f"-c {name}='{value}'" for name, value in options.items())
    log = server.cluster / "server.log"
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    tries = 0
    while time.monotonic() < deadline:
        if server.process() is not None:  # starting, recovering or shutting down
            if server.is_ready():
                return
            time.sleep(0.1)
            continue
        (server.cluster / "postmaster.pid").unlink(missing_ok=True)
        (server.socket_dir / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
        command = ["-D", server.cluster, "-w", "-t", START_TIMEOUT_SECONDS, "-l", log]
        answer = server.programs.run("pg_ctl", *command, "-o", flags, "start")
        if answer.returncode == 0:
            return
        tries += 1
        if tries == 5:
            break
        time.sleep(1)  # orphans of a killed server may still hold the shared memory
    ending = log.read_text(errors="replace")[-1500:] if log.exists() else ""
    raise CannotRun(
        f"PostgreSQL in {server.cluster} does not start. Its log ends:\n{ending}"
    )


def _prepare_socket_dir(server: Server) -> None:
    if server.socket_dir == server.cluster:
        return
    server.socket_dir.mkdir(mode=0o700, exist_ok=True)
    status = server.socket_dir.stat()
    if status.st_uid != os.geteuid() and os.geteuid() != 0:
        raise CannotRun(f"{server.socket_dir} belongs to another user; remove it.")
    if server.programs.run_as:
        user, group = server.programs.run_as["user"], server.programs.run_as["group"]
        os.chown(server.socket_dir, user, group)


def _create_database(server: Server) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        found = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE_NAME]
        ).fetchone()
        if not found:
            connection.execute(f"CREATE DATABASE {DATABASE_NAME}")
