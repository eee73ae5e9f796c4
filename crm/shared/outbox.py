"""The outbox: a change and its news in one transaction, delivered once.

``record`` writes a fact and one delivery per subscriber. ``relay`` runs each due
delivery in a transaction of its own, in which the delivery is also marked done: the
subscriber's writes and the mark commit together or not at all. What fails is tried
again later; after ten tries it waits for staff as *stuck*.

Scheduling uses database time, never the shop's movable clock; ``now`` is only what
subscribers are told.
"""

import dataclasses
import logging
from datetime import date, timedelta
from typing import Any

from django.db import connection

from crm import wiring
from crm.shared.hints import hint_on_commit
from crm.shared.logs import bound
from crm.shared.models import Delivery, Fact

log = logging.getLogger(__name__)

#: Tries before a delivery is stuck.
MOST_ATTEMPTS = 10
#: How long an attempt owns its delivery; a killed worker's delivery waits this long.
LEASE = timedelta(seconds=30)
#: First and longest wait between tries; doubled each time, up to half taken off.
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=1)
RELAY_TASK = "crm.shared.tasks.relay_facts"
#: Serialization failure and deadlock: nothing is wrong but the timing.
_COLLISIONS = frozenset({"40001", "40P01"})
_TRIES_PER_ATTEMPT = 3


def record(fact: Any) -> Fact:
    """Write a fact in the caller's transaction, for every subscriber of its name.

    Args:
        fact: a frozen dataclass of ids and whole numbers with a class attribute
            ``name`` such as ``"orders.OrderPaid"``, and optionally ``key``: facts
            with one key reach each subscriber in the order they were recorded.

    Raises:
        RuntimeError: no transaction is open, so fact and change could part.
        TypeError: a field is not a JSON value, a date or a moment.
    """
    if not connection.in_atomic_block:
        raise RuntimeError(f"{fact.name} must be recorded inside a transaction.")
    key = str(getattr(fact, "key", "") or "")
    row = Fact.objects.create(
        name=fact.name,
        key=key,
        payload=_plain(_fields(fact)),
        request_id=bound("request_id"),
    )
    subscribers = wiring.SUBSCRIBERS.get(fact.name, [])
    Delivery.objects.bulk_create(
        Delivery(fact=row, subscriber=path, key=key) for path in subscribers
    )
    if subscribers:
        hint_on_commit(RELAY_TASK)
    return row


def _fields(fact: Any) -> dict[str, Any]:
    return {f.name: getattr(fact, f.name) for f in dataclasses.fields(fact)}


def _plain(value: Any) -> Any:
    """Return ``value`` as JSON would bring it back, moments as ISO 8601 text."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple | frozenset | set):
        return [_plain(part) for part in value]
    if dataclasses.is_dataclass(value):
        return _plain(_fields(value))
    raise TypeError(f"A fact cannot hold a {type(value).__name__}.")
