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
#: How long a claim keeps others away; a killed worker's deliveries wait this long.
#: One that runs is kept by the lock on its row, however long it takes: a lease covers
#: the deliveries that wait behind it in its claim.
LEASE = timedelta(seconds=10)
#: Deliveries a worker claims in one statement, longest due first.
CLAIMED_AT_ONCE = 10
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

#: Takes the longest due deliveries nobody else holds. A keyed one waits for earlier
#: facts of its key to the same subscriber. One that was tried before is claimed alone,
#: so what ends its worker uses up nobody else's tries. The new ``due_at`` is the
#: lease's end.
_CLAIM = """
WITH due AS MATERIALIZED (
    SELECT d.id, d.due_at, d.attempts FROM shared_delivery d
     WHERE d.state = 'pending' AND d.due_at <= statement_timestamp()
       AND (d.key = '' OR NOT EXISTS (
            SELECT 1 FROM shared_delivery e
             WHERE e.subscriber = d.subscriber AND e.key = d.key AND e.key <> ''
               AND e.fact_id < d.fact_id AND e.state <> 'done'))
     ORDER BY d.due_at, d.id LIMIT %s FOR UPDATE OF d SKIP LOCKED
), longest AS (
    SELECT id, attempts FROM due ORDER BY due_at, id LIMIT 1
), claimed AS (
    UPDATE shared_delivery d
       SET attempts = d.attempts + 1, due_at = statement_timestamp() + %s
      FROM due, longest
     WHERE d.id = due.id
       AND (due.id = longest.id OR due.attempts = 0 AND longest.attempts = 0)
    RETURNING d.id, d.attempts, d.subscriber, d.fact_id, due.due_at AS was_due
)
SELECT c.id, c.attempts, c.subscriber,
       f.id, f.name, f.key, f.payload, f.request_id, f.recorded_at
  FROM claimed c JOIN shared_fact f ON f.id = c.fact_id
 ORDER BY c.was_due, c.id
"""

#: Locks, asks for the fence and marks in one; without effect unless all commits.
_MARK_DONE = """
UPDATE shared_delivery
   SET state = 'done', done_at = statement_timestamp(), last_error = ''
 WHERE id = %s AND attempts = %s AND state = 'pending'
"""


@dataclasses.dataclass(frozen=True)
class Claim:
    """A delivery that is this attempt's to make, as long as nobody claims it later."""

    delivery_id: int
    #: Its number, which is the fence.
    attempt: int
    subscriber: str
    fact: Fact


def relay(*, now: datetime, limit: int = 100) -> int:
    """Run up to ``limit`` due deliveries and return how many were tried.

    Any number of workers may relay at once: each delivery is claimed by one.

    Args:
        now: the shop's time, handed to the subscribers.
        limit: the most deliveries to try.
    """
    tried = 0
    while tried < limit:
        claims = _claim(min(CLAIMED_AT_ONCE, limit - tried))
        if not claims:
            break
        for claim in claims:
            deliver(claim, now=now)
        tried += len(claims)
    return tried


def drain(*, now: datetime) -> int:
    """Relay until nothing is due, and return how many deliveries were tried.

    For commands and tests; what failed and waits for its next try stays.
    """
    total = 0
    while tried := relay(now=now):
        total += tried
    return total


def _claim(most: int) -> list[Claim]:
    with planned_cursor() as cursor:
        cursor.execute(_CLAIM, [most, LEASE])
        return [
            Claim(delivery_id, attempt, subscriber, _fact(row))
            for delivery_id, attempt, subscriber, *row in cursor.fetchall()
        ]


def _fact(row: list[Any]) -> Fact:
    names = ["id", "name", "key", "payload", "request_id", "recorded_at"]
    return Fact.from_db(connection.alias, names, row)


def deliver(claim: Claim, *, now: datetime) -> bool:
    """Run one claimed delivery; whether it is done now.

    The subscriber's writes and the mark commit together. An attempt that has lost
    its lease to a later one finds another number in the row and does nothing.
    """
    if claim.attempt > MOST_ATTEMPTS:
        # Nobody was left to say how the tries ended: it may be what ended the worker.
        _put_off(claim, RuntimeError(f"No end of {MOST_ATTEMPTS} tries is known."))
        return False
    try:
        return in_transaction(lambda: _run(claim, now))
    except Exception as error:  # Whatever a subscriber raises is tried again later.
        _put_off(claim, error)
        return False


def _run(claim: Claim, now: datetime) -> bool:
    with planned_cursor() as cursor:
        cursor.execute(_MARK_DONE, [claim.delivery_id, claim.attempt])
        if not cursor.rowcount:
            return False
    fact = claim.fact
    subscriber = import_string(claim.subscriber)
    with bound_to(request_id=fact.request_id, fact=fact.name):
        subscriber(fact.payload, fact=fact, now=now)
    return True


def _put_off(claim: Claim, error: Exception) -> None:
    """Write down why an attempt failed and when to try again, if ever."""
    delivery_id, attempt = claim.delivery_id, claim.attempt
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
