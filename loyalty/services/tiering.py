"""Move members to the tier their qualifying value reaches."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from crm.shared.outbox import record
from loyalty.events import TierChanged
from loyalty.models import PointsAccount, TierChange
from loyalty.queries.tiers import qualifying_by_member, qualifying_minor, rung_of, tiers
from loyalty.rules.tiers import rung_for
from loyalty.services.posting import locked_account


@transaction.atomic
def review_tier(
    *,
    member_id: int,
    reason: str,
    now: datetime,
    since: datetime | None = None,
    may_lower: bool = True,
) -> TierChange | None:
    """Put a member on the tier reached now, up or down, and publish TierChanged.

    Rungs may be skipped (T4). Reviewing again for the same instant changes nothing
    (T11).

    Args:
        reason: why it is looked at, such as ``order:ord_01J…``; at most 80 characters.
        now: value up to this moment counts (T6).
        since: when the change takes effect; default ``now``. An order lifts from the
            moment it was paid, however late the news comes (T4).
        may_lower: False for what can only lift, such as a payment.

    Returns:
        The change, or None when the tier stays.
    """
    account = locked_account(member_id=member_id, now=now)
    rungs = tiers()
    if not rungs:
        return None
    value = qualifying_minor(
        member_id=member_id, window_days=rungs[0].ladder.window_days, at=now
    )
    reached = rung_for(value, [rung_of(tier) for tier in rungs])
    by_id = {tier.pk: tier for tier in rungs}
    before, after = by_id.get(account.tier_id), by_id[reached.id]
    height = before.threshold_minor if before else -1
    if after == before or (after.threshold_minor < height and not may_lower):
        return None
    change = TierChange.objects.create(
        member_id=member_id,
        from_tier=before,
        to_tier=after,
        value_minor=value,
        reason=reason[:80],
        occurred_at=since or now,
    )
    PointsAccount.objects.filter(pk=member_id).update(
        tier=after, tier_since=change.occurred_at
    )
    record(
        TierChanged(
            member_id=member_id,
            change_id=change.pk,
            to_tier_code=after.code,
            is_upgrade=after.threshold_minor > height,
        )
    )
    return change


def settle_tiers(
    *, accounts: Collection[PointsAccount], reason: str, now: datetime
) -> int:
    """Put members on the tiers reached now, up or down, without telling anybody.

    For past orders brought in: the history is kept, but no TierChanged is published,
    so nobody gets a message or a gift. The same few statements for any number.

    Args:
        accounts: locked by the caller.

    Returns:
        How many members changed tier.
    """
    rungs = tiers()
    if not rungs:
        return 0
    values = qualifying_by_member(
        member_ids=[account.pk for account in accounts],
        window_days=rungs[0].ladder.window_days,
        at=now,
    )
    ladder = [rung_of(tier) for tier in rungs]
    moved = []
    for account in accounts:
        reached = rung_for(values.get(account.pk, 0), ladder).id
        if reached != account.tier_id:
            moved.append((account, reached))
    TierChange.objects.bulk_create(
        TierChange(
            member_id=account.pk,
            from_tier_id=account.tier_id,
            to_tier_id=reached,
            value_minor=values.get(account.pk, 0),
            reason=reason[:80],
            occurred_at=now,
        )
        for account, reached in moved
    )
    for tier in rungs:
        members = [account.pk for account, reached in moved if reached == tier.pk]
        if members:
            PointsAccount.objects.filter(pk__in=members).update(
                tier=tier, tier_since=now
            )
    return len(moved)
