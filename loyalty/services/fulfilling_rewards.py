"""Staff send rewards, many at once in one statement, and note that they arrived."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from crm.shared.audit import record_audit
from loyalty.models import RewardRedemption

_State = RewardRedemption.State
#: In the order of ids, so that two who send the same never wait for each other.
_LOCK = """
SELECT id FROM loyalty_rewardredemption WHERE id = ANY(%s) ORDER BY id
   FOR NO KEY UPDATE
"""
#: Only what still waits is sent; what was cancelled meanwhile stays here.
_SHIP = """
UPDATE loyalty_rewardredemption r
   SET state = 'shipped', shipped_at = %(now)s, carrier = %(carrier)s,
       tracking = p.tracking
  FROM unnest(%(ids)s::bigint[], %(tracking)s::text[]) AS p (id, tracking)
 WHERE r.id = p.id AND r.state = 'requested'
RETURNING r.public_id
"""


@transaction.atomic
def ship_redemptions(
    *, parcels: Mapping[int, str], carrier: str, actor: Any, now: datetime
) -> int:
    """Note that rewards left the house; those that no longer wait are passed over.

    Args:
        parcels: redemption -> tracking number, which may be empty.
        carrier: with whom; at most 60 characters.
        actor: the login.

    Returns:
        How many were sent by this call.
    """
    ids = sorted(parcels)
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [ids])
        cursor.execute(
            _SHIP,
            {
                "ids": ids,
                "tracking": [parcels[pk].strip()[:80] for pk in ids],
                "carrier": carrier.strip()[:60],
                "now": now,
            },
        )
        sent = sorted(public_id for (public_id,) in cursor.fetchall())
    _note(sent, "rewards.ship", actor=actor, now=now)
    return len(sent)


@transaction.atomic
def deliver_redemptions(
    *, redemption_ids: Collection[int], actor: Any, now: datetime
) -> int:
    """Note that rewards arrived; only what was sent can.

    Returns:
        How many arrived by this call.
    """
    sent = RewardRedemption.objects.filter(pk__in=redemption_ids, state=_State.SHIPPED)
    arrived = sorted(
        sent.select_for_update(no_key=True)
        .order_by("pk")
        .values_list("public_id", flat=True)
    )
    RewardRedemption.objects.filter(public_id__in=arrived).update(
        state=_State.DELIVERED, delivered_at=now
    )
    _note(arrived, "rewards.deliver", actor=actor, now=now)
    return len(arrived)


def _note(public_ids: list[str], action: str, *, actor: Any, now: datetime) -> None:
    if public_ids:
        record_audit(
            actor=actor,
            action=action,
            object_type=RewardRedemption._meta.label,
            object_id=public_ids[0] if len(public_ids) == 1 else "",
            detail={"redemptions": public_ids},
            now=now,
        )
