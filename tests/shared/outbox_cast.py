"""Facts and subscribers for the outbox tests. An audit entry stands for an effect."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from crm.shared.audit import record_audit
from crm.shared.models import AuditEntry

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HERE = "tests.shared.outbox_cast"


@dataclass(frozen=True)
class Happened:
    name: ClassVar[str] = "tests.Happened"
    number: int


@dataclass(frozen=True)
class OrderMoved:
    name: ClassVar[str] = "tests.OrderMoved"
    order: str
    step: int

    @property
    def key(self):
        return self.order


def leave_trace(payload, *, fact, now):
    record_audit(
        actor=None,
        action="test.trace",
        object_id=str(payload.get("number", payload.get("step"))),
        now=now,
    )


def leave_trace_then_fail(payload, *, fact, now):
    leave_trace(payload, fact=fact, now=now)
    raise ValueError("no, alice@example.com on 13800000000")


def traces():
    return list(
        AuditEntry.objects.filter(action="test.trace")
        .order_by("id")
        .values_list("object_id", flat=True)
    )
