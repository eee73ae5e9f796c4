"""Write down who did what, seal it, and find out whether anybody changed it.

``record_audit`` costs one INSERT inside the caller's transaction. A background
task chains new entries with ``seal_audit``; sealing in the request would make
every audited write wait for every other.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, models, transaction
from django.db.models import Exists, Max, OuterRef

from crm.shared.logs import bound
from crm.shared.models.audit import AuditEntry, AuditSeal

log = logging.getLogger("crm.audit")

#: What the first link stands on.
GENESIS = bytes(32)
#: Who acts when no login does and no name was given.
SYSTEM = "system"
#: Ids may become visible late, after higher ones were sealed; so far back
#: ``seal_audit`` looks. Older ones are found by ``find_tampering``.
_LOOK_BACK_IDS = 100_000
_BATCH = 1_000
#: Any constant that nothing else locks: "audit" in ASCII.
_ADVISORY_LOCK = 0x6175646974


def record_audit(
    *,
    actor: Any,
    action: str,
    obj: models.Model | None = None,
    object_type: str = "",
    object_id: str = "",
    reason: str = "",
    detail: Mapping[str, Any] | None = None,
    now: datetime,
) -> AuditEntry:
    """Write one audit entry in the caller's transaction.

    Args:
        actor: the login, the name of a program such as ``tasks.nightly``, or
            None for the system.
        action: dotted code, such as ``points.adjust``.
        obj: what it was done to; gives ``object_type`` and ``object_id``.
        object_type: model label, when there is no ``obj``.
        object_id: public id, when there is no ``obj``.
        reason: why, in the words of the actor; at most 500 characters are kept.
        detail: JSON without personal values; write ``"changed"`` in their place.
        now: when, aware.
    """
    if obj is not None:
        object_type = obj._meta.label
        object_id = str(getattr(obj, "public_id", "") or obj.pk)
    actor_id, actor_name = _who(actor)
    return AuditEntry.objects.create(
        at=now,
        actor_id=actor_id,
        actor=actor_name[:150],
        action=action,
        object_type=object_type,
        object_id=object_id,
        reason=reason[:500],
        detail=dict(detail or {}),
        request_id=bound("request_id")[:64],
    )


def _who(actor: Any) -> tuple[int | None, str]:
    if actor is None:
        return None, SYSTEM
    if isinstance(actor, str):
        return None, actor
    if actor.pk is None:
        return None, "anonymous"
    return actor.pk, actor.get_username()


@dataclass(frozen=True, slots=True)
class Head:
    """The newest link: enough to prove later that nothing before it was changed.

    Written ``HEX:POSITION``; keep it where the database's owner cannot write.
    """

    digest: bytes
    position: int

    def __str__(self):
        return f"{self.digest.hex()}:{self.position}"

    @classmethod
    def parse(cls, text: str) -> "Head":
        """Read ``HEX:POSITION``.

        Raises:
            ValueError: it is not written so.
        """
        digest, _colon, position = text.partition(":")
        head = cls(bytes.fromhex(digest), int(position))
        if len(head.digest) != len(GENESIS) or head.position < 0:
            raise ValueError(f"{text!r} is no HEX:POSITION.")
        return head


def audit_head() -> Head:
    """Return the newest link; position 0 when nothing is sealed yet."""
    newest = AuditSeal.objects.order_by("-position").first()
    if newest is None:
        return Head(GENESIS, 0)
    return Head(bytes(newest.digest), newest.position)


def link_digest(seal: AuditSeal, entry: AuditEntry) -> bytes:
    """Return the digest of one link.

    Every stored value of link and entry goes in, as JSON with sorted keys and no
    spaces; moments in UTC with microseconds.
    """
    canonical = json.dumps(
        {
            "position": seal.position,
            "sealed_at": _moment(seal.sealed_at),
            "id": entry.pk,
            "at": _moment(entry.at),
            "actor_id": entry.actor_id,
            "actor": entry.actor,
            "action": entry.action,
            "object_type": entry.object_type,
            "object_id": entry.object_id,
            "reason": entry.reason,
            "detail": entry.detail,
            "request_id": entry.request_id,
        },
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(bytes(seal.previous) + canonical.encode()).digest()


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def seal_audit(*, now: datetime, everything: bool = False) -> int:
    """Chain the entries that are not sealed yet and log the new head.

    One process at a time does it; a second one returns at once.

    Args:
        now: when, aware.
        everything: look through the whole table instead of its newest part.

    Returns:
        How many entries were sealed.
    """
    sealed = 0
    while count := _seal_batch(now, everything=everything):
        sealed += count
    if sealed:
        head = audit_head()
        log.info(
            "audit sealed",
            extra={"position": head.position, "digest": head.digest.hex()},
        )
    return sealed


@transaction.atomic
def _seal_batch(now: datetime, *, everything: bool) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
        if not cursor.fetchone()[0]:
            return 0
    head = audit_head()
    waiting = AuditEntry.objects.filter(
        ~Exists(AuditSeal.objects.filter(entry_id=OuterRef("pk")))
    )
    if not everything:
        newest = AuditSeal.objects.aggregate(Max("entry_id"))["entry_id__max"] or 0
        waiting = waiting.filter(pk__gt=newest - _LOOK_BACK_IDS)
    seals = []
    for entry in waiting.order_by("pk")[:_BATCH]:
        seal = AuditSeal(
            position=head.position + 1,
            entry_id=entry.pk,
            previous=head.digest,
            sealed_at=now,
        )
        seal.digest = link_digest(seal, entry)
        seals.append(seal)
        head = Head(seal.digest, seal.position)
    AuditSeal.objects.bulk_create(seals)
    return len(seals)


def find_tampering(
    *,
    now: datetime,
    expected: Head | None = None,
    unsealed_for: timedelta = timedelta(minutes=10),
) -> Iterator[str]:
    """Compute the whole chain again and yield one sentence per thing that is wrong.

    Finds entries changed or deleted after sealing, links changed, deleted or
    reordered, and entries kept out of the chain. Links cut off at the end show only
    against a head that was kept elsewhere.

    Args:
        now: aware; entries older than ``unsealed_for`` must be sealed.
        expected: a head from the log of an earlier day.
        unsealed_for: how long an entry may wait for its seal.
    """
    last = Head(GENESIS, 0)
    seen_expected = expected is None or expected == last
    while seals := list(
        AuditSeal.objects.filter(position__gt=last.position).order_by("position")[
            :_BATCH
        ]
    ):
        entries = AuditEntry.objects.in_bulk([seal.entry_id for seal in seals])
        for seal in seals:
            yield from _faults(last, seal, entries)
            # Go on from what is stored, so that one fault is told once.
            last = Head(bytes(seal.digest), seal.position)
            seen_expected = seen_expected or last == expected
    if not seen_expected:
        yield (
            f"The chain does not hold the expected head {expected}; "
            f"it ends with {last}."
        )
    for number, at in _never_sealed():
        if at < now - unsealed_for:
            yield f"Entry {number} of {at.isoformat()} was never sealed."


def _never_sealed() -> Iterator[tuple[int, datetime]]:
    """Walk the whole table in pages, so that no statement grows with it."""
    entries = AuditEntry.objects.order_by("pk").values_list("pk", "at")
    page = list(entries[:_BATCH])
    while page:
        sealed = set(
            AuditSeal.objects.filter(
                entry_id__range=(page[0][0], page[-1][0])
            ).values_list("entry_id", flat=True)
        )
        yield from (each for each in page if each[0] not in sealed)
        page = list(entries.filter(pk__gt=page[-1][0])[:_BATCH])


def _faults(
    last: Head, seal: AuditSeal, entries: Mapping[int, AuditEntry]
) -> Sequence[str]:
    faults = []
    if seal.position != last.position + 1:
        faults.append(
            f"Seals {last.position + 1} to {seal.position - 1} are missing."
            if seal.position > last.position + 2
            else f"Seal {last.position + 1} is missing."
        )
    elif bytes(seal.previous) != last.digest:
        faults.append(f"Seal {seal.position} does not follow the seal before it.")
    entry = entries.get(seal.entry_id)
    if entry is None:
        faults.append(f"Entry {seal.entry_id}, seal {seal.position}, was deleted.")
    elif link_digest(seal, entry) != bytes(seal.digest):
        faults.append(
            f"Entry {seal.entry_id} does not match seal {seal.position}: "
            "one of them was changed."
        )
    return faults
