"""Waiting for the disk after the locks are gone.

A commit keeps its locks until the log is on disk. For a row that everybody wants, that
wait is most of how long each has it. A transaction may commit without waiting
(``synchronous_commit = off`` for this transaction only) if its caller waits afterwards,
before anybody is told that it happened: the log is one file, written in order, so what
others wrote on top of it cannot outlast it. Known as early lock release (DeWitt et al.,
"Implementation Techniques for Main Memory Database Systems", 1984).
"""

from django.db import transaction

from crm.shared.planned import planned_cursor

#: The least that is a commit with something to write; it waits as this server waits.
_FLUSH = "SELECT pg_logical_emit_message(true, 'flush', '')"


def flush_after_commit() -> None:
    """Have all that is committed until now on disk before the caller goes on.

    In a transaction it happens after its commit; without one, now.
    """
    transaction.on_commit(_flush)


def _flush() -> None:
    with planned_cursor() as cursor:
        cursor.execute(_FLUSH)
