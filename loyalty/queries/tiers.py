"""Where members stand on the ladder, now and before."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Q, Sum

from loyalty.models import (
    VALUE,
    PointsAccount,
    QualifyingEntry,
    Tier,
    TierChange,
)
from loyalty.queries.tier_measures import Counted, counted
from loyalty.queries.tier_terms import MAIN_LADDER, LadderInForce, main_ladder
from loyalty.rules.terms import IN_MONEY, Held, Look, missing
from loyalty.rules.tiers import Step, held_before
from loyalty.rules.windows import counts_from


@dataclass(frozen=True, slots=True)
class TierProgress:
    """Where a member stands on the main ladder (T12)."""

    tier: Tier | None
    since: datetime | None
    #: What is counted, in minor units where it is money; see ``metric``.
    value_minor: int
    window_days: int | None
    next_tier: Tier | None
    missing_minor: int
    #: Value that keeps the present tier, and whether the tier is kept now.
    required_minor: int
    is_kept: bool
    #: What is missing of the second number of the next tier, and of this one.
    also_missing: int = 0
    to_keep_minor: int = 0
    also_to_keep: int = 0
    metric: str = "value"
    window: str = "days"
    #: Exclusive end of the term, and until when it may be met after that.
    valid_until: datetime | None = None
    grace_until: datetime | None = None
    is_pinned: bool = False
    pinned_until: datetime | None = None
    #: The tier after the term if nothing more is counted; None without a term.
    projected: Tier | None = None

    @property
    def in_money(self) -> bool:
        """Whether what is counted is money."""
        return self.metric in IN_MONEY


def base_tier() -> Tier | None:
    """Return the lowest tier, where everybody begins."""
    return (
        Tier.objects.filter(ladder__code=MAIN_LADDER, removed_at=None)
        .order_by("threshold_minor")
        .first()
    )


def tiers() -> Sequence[Tier]:
    """Return the rungs of the main ladder from low to high, with their ladder."""
    return list(
        Tier.objects.filter(ladder__code=MAIN_LADDER, removed_at=None)
        .select_related("ladder")
        .order_by("threshold_minor")
    )


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
        currency=VALUE, member_id__in=member_ids, occurred_at__lte=at
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
    return Tier.objects.filter(pk=tier_id).first()


def tier_steps(*, member_ids: Collection[int]) -> dict[int, list[Step]]:
    """Return every change on the main ladder, in order, by member."""
    steps: dict[int, list[Step]] = defaultdict(list)
    on_main = Q(from_tier__ladder__code=MAIN_LADDER) | Q(
        to_tier__ladder__code=MAIN_LADDER
    )
    changes = TierChange.objects.filter(on_main, member_id__in=member_ids)
    for change in changes.order_by("occurred_at", "id"):
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
    ladder = main_ladder()
    if ladder is None:
        return TierProgress(None, None, 0, None, None, 0, 0, True)
    terms = ladder.terms
    held, projected = Held(), None
    numbers = to_keep = dict.fromkeys(terms.metrics, 0)
    if account is not None:
        found = counted(ladder, at=at, member_ids=[account.pk])[account.pk]
        held, numbers, to_keep = found.held, found.numbers, found.to_keep
        projected = _projected(ladder, found)
    place = max(terms.rank(held.tier), 0)
    rung = terms.rungs[place]
    above = max(place, terms.rank(terms.reached(numbers))) + 1
    reachable = (each for each in terms.rungs[above:] if not each.is_removed)
    following = next(reachable, None)
    to_next = (0, 0)
    if following is not None:
        to_next = missing(following, terms.metric, numbers, to_keep=False)
    keeps = missing(rung, terms.metric, to_keep)
    required = rung.threshold_minor if rung.keep_minor is None else rung.keep_minor
    return TierProgress(
        tier=ladder.tiers[rung.code],
        since=account.tier_since if account else None,
        value_minor=numbers.get(terms.metric, 0),
        window_days=terms.window_days,
        next_tier=ladder.tiers[following.code] if following else None,
        missing_minor=to_next[0],
        also_missing=to_next[1],
        required_minor=required,
        is_kept=rung.code in terms.kept(to_keep),
        to_keep_minor=keeps[0],
        also_to_keep=keeps[1],
        metric=terms.metric,
        window=terms.window,
        valid_until=held.valid_until,
        grace_until=held.grace_until,
        is_pinned=held.is_pinned_at(at),
        pinned_until=held.pinned_until,
        projected=projected,
    )


def _projected(ladder: LadderInForce, found: Counted) -> Tier | None:
    """Return the tier at the end of the term by what is counted until now."""
    end = found.held.valid_until
    if end is None:
        return None
    # Grace only puts it off.
    terms = replace(ladder.terms, grace_days=0)
    then = counted(ladder, at=end, member_ids=[found.member_id])[found.member_id]
    look = Look(terms=terms, at=end, joined_at=found.joined_at)
    measured = terms.measure(found.held.tier, then.numbers, then.to_keep)
    return ladder.tiers.get(look.outcome(found.held, measured).tier or "")
