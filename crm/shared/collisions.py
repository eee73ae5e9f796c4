"""Transactions that met at the wrong moment: nothing is wrong but the timing."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connection, transaction

T = TypeVar("T")

TRIES = 3
_FIRST_WAIT_SECONDS = 0.02
_SERIALIZATION_FAILURE = "40001"
_DEADLOCK = "40P01"
_LOCK_TIMEOUT = "55P03"


def sqlstate(error: BaseException) -> str:
    """Return PostgreSQL's code of a database error, or ``""``."""
    return getattr(error.__cause__, "sqlstate", None) or ""


def is_collision(error: BaseException) -> bool:
    """Whether running the same transaction again may well succeed."""
    return sqlstate(error) in {_SERIALIZATION_FAILURE, _DEADLOCK}


def is_lock_timeout(error: BaseException) -> bool:
    """Whether somebody else held the wanted row for too long."""
    return sqlstate(error) == _LOCK_TIMEOUT


def in_transaction(work: Callable[[], T]) -> T:
    """Run ``work`` in a transaction, again after a deadlock, at most three times.

    ``work`` must have no effect outside the database. Inside an open transaction it
    runs once in a savepoint: a collision has spoilt the outer one, too.

    Raises:
        OperationalError: it collided every time, or failed in another way.
    """
    tries = 1 if connection.in_atomic_block else TRIES
    for left in range(tries - 1, -1, -1):
        try:
            with transaction.atomic():
                return work()
        except OperationalError as error:
            if not left or not is_collision(error):
                raise
            time.sleep(_FIRST_WAIT_SECONDS * (0.5 + random.random()))  # noqa: S311
    raise AssertionError("unreachable")
