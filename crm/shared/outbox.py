"""The outbox: a change and its news in one transaction, delivered once.

``record`` writes a fact and one delivery per subscriber. ``relay`` runs each due
delivery in a transaction of its own, in which the delivery is also marked done: the
subscriber's writes and the mark commit together or not at all. What fails is tried
again later; after ten tries it waits for staff as *stuck*.

Scheduling uses database time, never the shop's movable clock; ``now`` is only what
subscribers are told.
"""

import dataclasses
import json
import logging
import random
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from crm import wiring
from crm.shared.audit import record_audit
from crm.shared.collisions import in_transaction
from crm.shared.hints import hint_on_commit
from crm.shared.logs import bound, bound_to, describe
from crm.shared.models import Delivery, Fact
from crm.shared.planned import planned_cursor

log = logging.getLogger(__name__)

#: Tries before a delivery is stuck.
MOST_ATTEMPTS = 10
#: How long an attempt owns its delivery; a killed worker's delivery waits this long.
LEASE = timedelta(seconds=30)
#: First and longest wait between tries; doubled each time, up to half taken off.
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=1)
RELAY_TASK = "crm.shared.tasks.relay_facts"

#: Keys are drawn in the order of the facts; deliveries take theirs from them.
_RECORD = """
WITH news AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('shared_fact', 'id')) AS id, t.*
      FROM json_to_recordset(%s) AS t (
           name text, key text, payload jsonb, request_id text, subscribers json)
), written AS (
    INSERT INTO shared_fact (id, name, key, payload, request_id)
    SELECT id, name, key, payload, request_id FROM news
), planned AS (
    INSERT INTO shared_delivery (
        fact_id, subscriber, key, state, attempts, last_error)
    SELECT news.id, each.subscriber, news.key, 'pending', 0, ''
      FROM news, json_array_elements_text(news.subscribers) AS each (subscriber)
)
SELECT id FROM news ORDER BY id
"""


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
    (row,) = record_all([fact])
    return row


def record_all(facts: Iterable[Any]) -> list[Fact]:
    """Write many facts and all their deliveries in one statement."""
    facts = list(facts)
    if facts and not connection.in_atomic_block:
        raise RuntimeError(f"{facts[0].name} must be recorded inside a transaction.")
    if not facts:
        return []
    rows = [
        Fact(
            name=fact.name,
            key=str(getattr(fact, "key", "") or ""),
            payload=_plain(_fields(fact)),
            request_id=bound("request_id"),
        )
        for fact in facts
    ]
    told = [_told(row) for row in rows]
    with planned_cursor() as cursor:
        cursor.execute(_RECORD, [json.dumps(told, ensure_ascii=False)])
        for row, (row.pk,) in zip(rows, cursor.fetchall(), strict=True):
            row._state.adding = False
            row._state.db = connection.alias
    if any(each["subscribers"] for each in told):
        hint_on_commit(RELAY_TASK)
    return rows


def _told(row: Fact) -> dict[str, Any]:
    return {
        "name": row.name,
        "key": row.key,
        "payload": row.payload,
        "request_id": row.request_id,
        "subscribers": wiring.SUBSCRIBERS.get(row.name, []),
    }


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


# --- Relaying -----------------------------------------------------------------

#: Takes the longest due delivery nobody else holds. A keyed one waits for earlier
#: facts of its key to the same subscriber. The new ``due_at`` is the lease's end.
_CLAIM = """
UPDATE shared_delivery SET attempts = attempts + 1,
       due_at = statement_timestamp() + %s
 WHERE id = (
    SELECT d.id FROM shared_delivery d
     WHERE d.state = 'pending' AND d.due_at <= statement_timestamp()
       AND (d.key = '' OR NOT EXISTS (
            SELECT 1 FROM shared_delivery e
             WHERE e.subscriber = d.subscriber AND e.key = d.key AND e.key <> ''
               AND e.fact_id < d.fact_id AND e.state <> 'done'))
     ORDER BY d.due_at, d.id LIMIT 1 FOR UPDATE OF d SKIP LOCKED)
RETURNING id, attempts
"""


def relay(*, now: datetime, limit: int = 100) -> int:
    """Run up to ``limit`` due deliveries and return how many were tried.

    Any number of workers may relay at once: each delivery is claimed by one.

    Args:
        now: the shop's time, handed to the subscribers.
        limit: the most deliveries to try.
    """
    tried = 0
    while tried < limit:
        claimed = _claim()
        if claimed is None:
            break
        deliver(*claimed, now=now)
        tried += 1
    return tried


def drain(*, now: datetime) -> int:
    """Relay until nothing is due, and return how many deliveries were tried.

    For commands and tests; what failed and waits for its next try stays.
    """
    total = 0
    while tried := relay(now=now):
        total += tried
    return total


def _claim() -> tuple[int, int] | None:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [LEASE])
        return cursor.fetchone()


def deliver(delivery_id: int, attempt: int, *, now: datetime) -> bool:
    """Run one claimed delivery; whether it is done now.

    The subscriber's writes and the mark commit together. An attempt that has lost
    its lease to a later one finds another number in the row and does nothing.
    """
    try:
        return in_transaction(lambda: _run(delivery_id, attempt, now))
    except Exception as error:  # Whatever a subscriber raises is tried again later.
        _put_off(delivery_id, attempt, error)
        return False


def _run(delivery_id: int, attempt: int, now: datetime) -> bool:
    # Not SKIP LOCKED: a rival's claim may hold the row for the instant it takes to
    # see that it is taken, and skipping would leave it until the lease runs out.
    held = (
        Delivery.objects.select_for_update(of=["self"])
        .select_related("fact")
        .filter(pk=delivery_id, attempts=attempt, state=Delivery.State.PENDING)
        .first()
    )
    if held is None:
        return False
    fact = held.fact
    subscriber = import_string(held.subscriber)
    with bound_to(request_id=fact.request_id, fact=fact.name):
        subscriber(fact.payload, fact=fact, now=now)
    Delivery.objects.filter(pk=held.pk).update(
        state=Delivery.State.DONE, done_at=Now(), last_error=""
    )
    return True


def _put_off(delivery_id: int, attempt: int, error: Exception) -> None:
    """Write down why an attempt failed and when to try again, if ever."""
    stuck = attempt >= MOST_ATTEMPTS
    told = describe(error)[:300]
    Delivery.objects.filter(
        pk=delivery_id, attempts=attempt, state=Delivery.State.PENDING
    ).update(
        state=Delivery.State.STUCK if stuck else Delivery.State.PENDING,
        due_at=Now() + wait_after(attempt),
        last_error=told,
    )
    log.log(
        logging.ERROR if stuck else logging.WARNING,
        "A delivery is stuck." if stuck else "A delivery failed and will be retried.",
        extra={"delivery": delivery_id, "attempt": attempt, "error": told},
        exc_info=error,
    )


def wait_after(attempt: int) -> timedelta:
    """Return the wait after a failed try: 5 s doubled each time, at most an hour.

    Up to half is taken off by chance, so that what failed together does not come
    back together.
    """
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempt - 1, 20))
    return wait * (1 - random.random() / 2)  # noqa: S311


@transaction.atomic
def replay(delivery_ids: Iterable[int], *, actor: Any, now: datetime) -> int:
    """Give stuck deliveries ten new tries, at once, and return how many.

    Deliveries that are not stuck are left alone, so a second click does nothing.
    """
    replayed = 0
    for pk in sorted(set(delivery_ids)):
        changed = Delivery.objects.filter(pk=pk, state=Delivery.State.STUCK).update(
            state=Delivery.State.PENDING, attempts=0, due_at=Now()
        )
        if changed:
            record_audit(
                actor=actor,
                action="outbox.replay",
                object_type="shared.delivery",
                object_id=str(pk),
                now=now,
            )
            replayed += 1
    if replayed:
        hint_on_commit(RELAY_TASK)
    return replayed


def oldest_due_seconds() -> float:
    """Return for how long the longest waiting due delivery has been due; 0 if none."""
    oldest = (
        Delivery.objects.filter(state=Delivery.State.PENDING, due_at__lte=Now())
        .order_by("due_at", "id")
        .values_list(Now() - F("due_at"), flat=True)
        .first()
    )
    return oldest.total_seconds() if oldest else 0.0
