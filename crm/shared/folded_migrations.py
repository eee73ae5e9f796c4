"""Migrations that were folded into others, and databases that stopped between them.

Django takes a database with some of the folded migrations for one that needs nothing.
It would lack tables, and say so only to whoever asks for them.
"""

from collections.abc import Iterable, Sequence

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


def missing_of_folds(
    loader: MigrationLoader, applied: Iterable[tuple[str, str]]
) -> str:
    """Return what a database lacks of folds that it has in part; "" is nothing.

    Args:
        loader: knows the migrations on disk.
        applied: ``(app, name)`` of those that ran.
    """
    known = set(applied)
    missing: set[tuple[str, str]] = set()
    for migration in loader.disk_migrations.values():
        left = set(migration.replaces) - known
        if left and left != set(migration.replaces):
            missing |= left
    return ", ".join(f"{app}.{name}" for app, name in sorted(missing))


def how_to_mend(missing: str) -> str:
    """Return what to tell whoever runs such a database."""
    return (
        f"This database is older than migrations that were folded; it lacks {missing}. "
        "Migrate it with the version of Regulars that still has them, then with this."
    )


@register(Tags.database)
def folds_are_whole(
    app_configs: object = None, databases: Sequence[str] | None = None, **_more: object
) -> list[CheckMessage]:
    """Refuse to migrate such a database; ``migrate`` asks before it begins."""
    found: list[CheckMessage] = []
    loader = MigrationLoader(None)
    for alias in databases or ():
        applied = MigrationRecorder(connections[alias]).applied_migrations()
        missing = missing_of_folds(loader, applied)
        if missing:
            found.append(Error(how_to_mend(missing), id="crm.E003"))
    return found
