"""Tables of the ground floor, re-exported for Django."""

from crm.shared.models.clock import ShopClock
from crm.shared.models.fact import Delivery, Fact
from crm.shared.models.idempotency import IdempotencyKey
from crm.shared.models.job import Job, JobLine

__all__ = ["Delivery", "Fact", "IdempotencyKey", "Job", "JobLine", "ShopClock"]
