"""Work of the night that many members share: who fails stops nobody else (P29)."""

import logging
from collections.abc import Callable, Iterable

from django.db import transaction

log = logging.getLogger(__name__)


def together_or_alone(
    work: Callable[[], int],
    *,
    ids: Callable[[], Iterable[int]],
    alone: Callable[[int], int],
    what: str,
) -> int:
    """Do ``work`` for many in one transaction; where it fails, one by one.

    Args:
        ids: primary keys of whom it concerns; asked only where ``work`` failed.
        alone: the same for one of them.
        what: names the work in the log.

    Returns:
        How many it concerned, as ``work`` and ``alone`` count.
    """
    try:
        with transaction.atomic():
            return work()
    except Exception:
        log.exception("%s failed for many; each is done alone", what)
    return each_alone(alone, ids=ids(), what=what)


def each_alone(alone: Callable[[int], int], *, ids: Iterable[int], what: str) -> int:
    """Do work for one after the other, each in a transaction; return what it did.

    Who fails is logged, and counts 0.
    """
    done = 0
    for each in ids:
        try:
            with transaction.atomic():
                done += alone(each)
        except Exception:
            log.exception("%s failed for %s", what, each)
    return done
