"""The variables that settings read, as the runner fills them in.

What the shell or ``.env`` says wins, always.
"""

import os
import secrets
from pathlib import Path

import environ

from crm.runner.failures import CannotRun

REPOSITORY = Path(__file__).resolve().parent.parent.parent


def read_env_file() -> None:
    """Add what ``.env`` says and the shell does not, except under test."""
    if os.environ.get("CRM_ENVIRONMENT") != "test":
        environ.Env.read_env(REPOSITORY / ".env")


def data_dir() -> Path:
    """Return ``CRM_DATA_DIR`` or the default ``var`` in the repository."""
    return Path(os.environ.get("CRM_DATA_DIR") or REPOSITORY / "var").resolve()


def web_address() -> tuple[str, int]:
    """Return the host and port pages are served at.

    Raises:
        CannotRun: ``CRM_PORT`` is not a port number.
    """
    host = os.environ.get("CRM_HOST") or "127.0.0.1"
    port = os.environ.get("CRM_PORT") or "8000"
    if not (port.isdigit() and 0 < int(port) < 65536):
        raise CannotRun(f"CRM_PORT is {port!r}; use a number from 1 to 65535.")
    return host, int(port)


def complete_for_embedded(url: str, folder: Path) -> None:
    """Set what the embedded database implies, for this process and its children.

    A machine with an embedded database is never production.
    """
    os.environ["DATABASE_URL"] = url
    os.environ.setdefault("CRM_ENVIRONMENT", "demo")
    os.environ.setdefault("CRM_DATA_DIR", str(folder))
    os.environ.setdefault("CRM_SECRET_KEY", _secret_key(folder))


def complete_without_database() -> None:
    """Set what settings ask for where a command reads no database and keeps nothing."""
    read_env_file()
    os.environ.setdefault("DATABASE_URL", "postgresql://nobody@localhost/none")
    os.environ.setdefault("CRM_ENVIRONMENT", "demo")


def _secret_key(folder: Path) -> str:
    """Return the key of this data folder, made at first use and only ours to read."""
    file = folder / "secret-key"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".secret-key-{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_urlsafe(48))
        try:
            os.link(draft, file)  # whoever comes second keeps the first one's key
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return file.read_text().strip()
