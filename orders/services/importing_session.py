"""The database session of an import: patient, and the only one of its kind."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal

_PATIENCE = {
    "statement_timeout": "10min",
    "lock_timeout": "30s",
    "idle_in_transaction_session_timeout": "5min",
}
#: Seconds to wait for a killed program's connection to be noticed.
_WAIT_SECONDS = 15


class ImportIsRunning(Refusal):
    """Another import of this kind is running."""

    code = "import_running"
    message = _("Another import of this kind is running. Try again when it is done.")


@contextmanager
def patience() -> Iterator[None]:
    """Let this session's statements take longer than a page's."""
    with connection.cursor() as cursor:
        for name, value in _PATIENCE.items():
            cursor.execute(f"SET {name} = '{value}'")
    try:
        yield
    finally:
        if not connection.needs_rollback:
            with connection.cursor() as cursor:
                for name in _PATIENCE:
                    cursor.execute(f"RESET {name}")


@contextmanager
def alone(profile: str) -> Iterator[None]:
    """Hold the place of the only import of a profile.

    Raises:
        ImportIsRunning: somebody else holds it.
    """
    key = f"orders.import:{profile}"
    until = time.monotonic() + _WAIT_SECONDS
    while not _ask("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", key):
        if time.monotonic() > until:
            raise ImportIsRunning
        time.sleep(0.5)
    try:
        yield
    finally:
        if not connection.needs_rollback:
            _ask("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", key)


def _ask(query: str, *params: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        return cursor.fetchone()[0]
