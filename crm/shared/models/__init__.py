"""Tables of the ground floor, re-exported for Django."""

from crm.shared.models.allowance import Allowance, CacheEntry
from crm.shared.models.approval import Approval
from crm.shared.models.audit import AuditEntry, AuditSeal
from crm.shared.models.clock import ShopClock
from crm.shared.models.fact import Delivery, Fact
from crm.shared.models.idempotency import IdempotencyKey
from crm.shared.models.job import Job, JobLine
from crm.shared.models.server_key import ServerKey

__all__ = [
    "Allowance",
    "Approval",
    "AuditEntry",
    "AuditSeal",
    "CacheEntry",
    "Delivery",
    "Fact",
    "IdempotencyKey",
    "Job",
    "JobLine",
    "ServerKey",
    "ShopClock",
]
