"""The test database: a real PostgreSQL, thrown away after the run.

One migrated *template* database is made per state of the migrations and kept, so
a repeated run starts in about two seconds. Every process of a run copies it.

* Nothing set: an embedded server in a folder of this run's own, filled with a copy
  of a cached cluster. Runs side by side do not meet.
* ``DATABASE_URL`` set: that server, with databases ``test_regulars_...`` of our own.
"""

import ast
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
from psycopg import sql

REPOSITORY = Path(__file__).resolve().parent.parent
if str(REPOSITORY) not in sys.path:
    sys.path.insert(0, str(REPOSITORY))

from crm.runner import postgres  # noqa: E402
from crm.runner.locks import FileLock, locked  # noqa: E402

#: Room that the largest tests need: a year of orders and its write-ahead log.
_ROOM = 6 * 1024**3


def _quickest_folder() -> Path:
    """Return a folder in memory if there is room, the temporary folder otherwise.

    A fresh database is a thousand files: 0.1 s in memory, 1 s on a disk others use.
    """
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM:
        return memory
    return Path(tempfile.gettempdir())


#: Survives the run: cached clusters by key, and the folders of runs under way.
CACHE = _quickest_folder() / f"regulars-tests-{os.geteuid()}"
CACHED_CLUSTERS_KEPT = 4
#: Set by the first process of a run, inherited by xdist's workers and by commands.
RUN_FOLDER = "REGULARS_TEST_RUN"
OWN_SERVER = "REGULARS_TEST_OWN_SERVER"


def prepare_environment() -> None:
    """Set what settings read, before anything reads them. Starts nothing.

    Everything a developer's shell or ``.env`` may hold is overruled, except
    ``DATABASE_URL`` of the shell.
    """
    if RUN_FOLDER not in os.environ:
        runs = CACHE / "runs"
        runs.mkdir(mode=0o700, parents=True, exist_ok=True)
        run = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=runs))
        os.environ[RUN_FOLDER] = str(run)
        if not os.environ.get("DATABASE_URL"):
            os.environ[OWN_SERVER] = "1"
            os.environ["DATABASE_URL"] = postgres.server_of(run).url()
    data = Path(os.environ[RUN_FOLDER]) / "data"
    data.mkdir(exist_ok=True)
    for name in [n for n in os.environ if n.startswith(("CRM_", "CELERY_"))]:
        if name != "CRM_NO_USER_NAMESPACES":
            del os.environ[name]
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "crm.settings",
        "CRM_ENVIRONMENT": "test",
        "CRM_DATA_DIR": str(data),
        "CRM_SECRET_KEY": "tests-only-" + "0123456789abcdef" * 4,
        "CRM_STATEMENT_TIMEOUT": "60s",
        "CELERY_BROKER_URL": "memory://",
    }


def copy_template(worker: str) -> str:
    """Make this process's own migrated database and return its name.

    Starts the server of the run and makes the template when they are absent;
    processes that come at the same time wait for the first.
    """
    run = Path(os.environ[RUN_FOLDER])
    with locked(run / "database.lock"):
        if not (run / "key").exists():
            (run / "key").write_text(_migrations_key())
        key = _key_of_run()
        if os.environ.get(OWN_SERVER):
            _start_run_server(run, key)
        else:
            _make_template(os.environ["DATABASE_URL"], key)
    name = f"test_regulars_{run.name.replace('-', '_').lower()}_{worker}"
    renew(name)
    return name


def renew(name: str) -> None:
    """Replace database ``name`` by a fresh copy of the template."""
    drop(name)
    with _maintenance() as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(_template(_key_of_run()))
            )
        )


def environment_for(name: str) -> dict[str, str]:
    """Return the environment of a process that works on database ``name``."""
    return os.environ | {
        "DATABASE_URL": _with_database(os.environ["DATABASE_URL"], name)
    }


def drop(name: str) -> None:
    """Drop database ``name`` if it exists, whoever is connected."""
    with _maintenance() as connection:
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(
                sql.Identifier(name)
            )
        )


def end_run() -> None:
    """Stop the server of this run and delete its folder. For the first process."""
    run = Path(os.environ[RUN_FOLDER])
    _discard(run)


def sweep() -> None:
    """Discard what killed runs left behind, and old cached clusters."""
    for run in (CACHE / "runs").glob("*-*"):
        owner = run.name.split("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            _discard(run)
    lock = FileLock(CACHE / "build.lock")
    if lock.take():  # held by a run that builds: it sweeps for us next time
        _sweep_clusters()
    lock.release()


def _sweep_clusters() -> None:
    clusters = sorted(
        CACHE.glob("cluster-*"), key=lambda path: path.stat().st_mtime, reverse=True
    )
    for old in clusters[CACHED_CLUSTERS_KEPT:]:
        # Two hours: a run that starts just now may be copying it.
        if time.time() - old.stat().st_mtime > 7200:
            shutil.rmtree(old, ignore_errors=True)
    for half_made in CACHE.glob("building-*"):
        _discard(half_made)


def _discard(folder: Path) -> None:
    postgres.stop(folder, mode="immediate")
    # Root without user namespaces keeps clusters elsewhere.
    shutil.rmtree(postgres.server_of(folder).cluster, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def _start_run_server(run: Path, key: str) -> None:
    cluster = postgres.server_of(run).cluster
    if not cluster.exists():
        cached = _cached_cluster(key)
        copying = cluster.with_name("copying")
        shutil.rmtree(copying, ignore_errors=True)
        cluster.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(cached, copying)
        copying.rename(cluster)
    postgres.start(run, durable=False)


def _cached_cluster(key: str) -> Path:
    """Return a stopped cluster that holds the template; build it when absent."""
    cached = CACHE / f"cluster-{key}"
    with locked(CACHE / "build.lock"):
        if not cached.exists():
            building = CACHE / f"building-{key}"
            _discard(building)
            building.mkdir(parents=True)
            try:
                _make_template(postgres.start(building, durable=False), key)
                postgres.stop(building)
                # Renamed only when complete: a crash leaves no half-made cache.
                shutil.move(postgres.server_of(building).cluster, building / "done")
                (building / "done").rename(cached)
            finally:
                _discard(building)
        os.utime(cached)
    return cached


def _make_template(url: str, key: str) -> None:
    """Migrate a database on the server of ``url``; name it only when complete."""
    template = _template(key)
    lock = int(key[:12], 16)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [lock])
        if connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [template]
        ).fetchone():
            return
        half = sql.Identifier(f"{template}_half")
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(half)
        )
        # template0: the server's template1 may hold anything.
        connection.execute(
            sql.SQL(
                "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' "
                "LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'"
            ).format(half)
        )
        _migrate(_with_database(url, f"{template}_half"))
        connection.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                half, sql.Identifier(template)
            )
        )


def _migrate(url: str) -> None:
    answer = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--skip-checks", "-v0"],
        cwd=REPOSITORY,
        env={**os.environ, "DATABASE_URL": url, "CRM_STATEMENT_TIMEOUT": "0"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if answer.returncode != 0:
        raise RuntimeError(f"The migrations fail:\n{answer.stderr[-4000:]}")


def _key_of_run() -> str:
    """Return the key this run began with, whatever is edited meanwhile."""
    return (Path(os.environ[RUN_FOLDER]) / "key").read_text()


def _migrations_key() -> str:
    """Name the state of the database by all that migrations are made of."""
    digest = hashlib.sha256()
    files = [
        path
        for path in (
            *REPOSITORY.glob("*/migrations/*"),
            *REPOSITORY.glob("crm/*/migrations/*"),
        )
        if path.suffix in {".py", ".sql"}
    ]
    imported = {source for path in files for source in _own_imports(path)}
    for path in sorted({*files, *imported, REPOSITORY / "requirements.txt"}):
        digest.update(str(path.relative_to(REPOSITORY)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:20]


def _own_imports(path: Path) -> list[Path]:
    """Return the modules of this repository that a migration imports."""
    if path.suffix != ".py":
        return []
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{n.name}" for n in node.names)]
        elif isinstance(node, ast.Import):
            names = [n.name for n in node.names]
        else:
            continue
        for name in names:
            module = REPOSITORY / (name.replace(".", "/") + ".py")
            package = REPOSITORY / name.replace(".", "/") / "__init__.py"
            found += [file for file in (module, package) if file.exists()]
    return found


def _template(key: str) -> str:
    return f"test_regulars_template_{key}"


@contextmanager
def _maintenance():
    """Connect to a database of the server that is neither copied nor dropped."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        yield connection


def _with_database(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()
