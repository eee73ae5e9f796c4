"""Where members stand on the ladder, now and before."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum

from loyalty.models import (
    Ladder,
    PointsAccount,
    QualifyingEntry,
    Tier,
    TierChange,
)
from loyalty.rules.tiers import Rung, Step, counts_from, held_before, progress

#: The one ladder that counts until there are several.
MAIN_LADDER = "main"


@dataclass(frozen=True, slots=True)
class TierProgress:
    """Where a member stands on the ladder (T12)."""

    tier: Tier | None
    since: datetime | None
    value_minor: int
    window_days: int | None
    next_tier: Tier | None
    missing_minor: int
    #: Value that keeps the present tier, and whether it is reached now.
    required_minor: int
    is_kept: bool


def base_tier() -> Tier | None:
    """Return the lowest tier, where everybody begins."""
    return (
        Tier.objects.filter(ladder__code=MAIN_LADDER)
        .order_by("threshold_minor")
        .first()
    )


def tiers() -> Sequence[Tier]:
    """Return the rungs of the ladder from low to high, with their ladder."""
    return list(
        Tier.objects.filter(ladder__code=MAIN_LADDER)
        .select_related("ladder")
        .order_by("threshold_minor")
    )


def rung_of(tier: Tier) -> Rung:
    """Return a tier as rules see it."""
    return Rung(tier.pk, tier.code, tier.threshold_minor, tier.multiplier_bp)


def qualifying_minor(*, member_id: int, window_days: int | None, at: datetime) -> int:
    """Return the value of a member that counts at ``at`` (T1, T6)."""
    values = qualifying_by_member(
        member_ids=[member_id], window_days=window_days, at=at
    )
    return values.get(member_id, 0)


def qualifying_by_member(
    *, member_ids: Collection[int], window_days: int | None, at: datetime
) -> dict[int, int]:
    """Return the value that counts at ``at`` by member; who has none is absent."""
    counted = QualifyingEntry.objects.filter(
        member_id__in=member_ids, occurred_at__lte=at
    )
    after = counts_from(at, window_days=window_days)
    if after is not None:
        counted = counted.filter(occurred_at__gt=after)
    return dict(
        counted.values("member_id")
        .annotate(value=Sum("value_minor"))
        .values_list("member_id", "value")
    )


def tier_held(*, account: PointsAccount, at: datetime) -> Tier | None:
    """Return the tier a member held just before ``at`` (P7)."""
    steps = tier_steps(member_ids=[account.member_id])[account.member_id]
    tier_id = held_before(steps, at, now_id=account.tier_id)
    if tier_id == account.tier_id:
        return account.tier
    return next((tier for tier in tiers() if tier.pk == tier_id), None)


def tier_steps(*, member_ids: Collection[int]) -> dict[int, list[Step]]:
    """Return every change of tier of members, in order, by member."""
    steps: dict[int, list[Step]] = defaultdict(list)
    for change in TierChange.objects.filter(member_id__in=member_ids).order_by(
        "occurred_at", "id"
    ):
        steps[change.member_id].append(
            Step(change.occurred_at, change.from_tier_id, change.to_tier_id)
        )
    return steps


def tier_progress(member_id: int, at: datetime) -> TierProgress:
    """Return where a member stands on the ladder at ``at`` (T12)."""
    accounts = PointsAccount.objects.filter(member_id=member_id).select_related("tier")
    return progress_of(accounts.first(), at)


def progress_of(account: PointsAccount | None, at: datetime) -> TierProgress:
    """Return where the member of an account stands; at the foot for none."""
    rungs = tiers()
    ladder = rungs[0].ladder if rungs else Ladder()
    value = 0
    if account is not None:
        value = qualifying_minor(
            member_id=account.member_id, window_days=ladder.window_days, at=at
        )
    held = account.tier if account else None
    held = held or (rungs[0] if rungs else None)
    by_id = {tier.pk: tier for tier in rungs}
    above = [
        rung_of(tier)
        for tier in rungs
        if held is None or tier.threshold_minor >= held.threshold_minor
    ]
    stand = progress(max(value, held.threshold_minor if held else 0), above)
    following = by_id[stand.following.id] if stand.following else None
    required = held.threshold_minor if held else 0
    return TierProgress(
        tier=held,
        since=account.tier_since if account else None,
        value_minor=value,
        window_days=ladder.window_days,
        next_tier=following,
        missing_minor=max(0, following.threshold_minor - value) if following else 0,
        required_minor=required,
        is_kept=value >= required,
    )
