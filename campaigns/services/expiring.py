"""Coupons whose time is over are marked so (C1), in bounded steps."""

from datetime import datetime

from django.db import transaction

from crm.shared.planned import planned_cursor

#: Rows a transaction writes; what others hold at this moment waits for the next one.
STEP = 5_000
#: Steps of one run; the next run goes on.
MOST_STEPS = 40

_EXPIRE = """
WITH due AS (
    SELECT id FROM campaigns_coupon
     WHERE state = 'available' AND expires_at <= %(now)s
     ORDER BY expires_at LIMIT %(step)s FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE campaigns_coupon c SET state = 'expired' FROM due WHERE c.id = due.id
"""


def expire_coupons(
    *, now: datetime, step: int = STEP, most_steps: int = MOST_STEPS
) -> int:
    """Move available coupons past their end to expired; return how many.

    They could not be used before either: this is for lists and counts. A coupon that
    an order holds stays with it, and expires once it is free again. Each step is a
    transaction of its own, so what is done stays done; again is harmless.
    """
    expired = 0
    for _step in range(most_steps):
        with transaction.atomic(), planned_cursor() as cursor:
            cursor.execute(_EXPIRE, {"now": now, "step": step})
            count = cursor.rowcount
        expired += count
        if count < step:
            break
    return expired
