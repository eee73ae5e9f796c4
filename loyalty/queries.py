"""What a member has, and how far the next tier is."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import F, Q, QuerySet, Sum

from crm.shared.planned import planned_cursor
from loyalty.models import (
    Ladder,
    PointsAccount,
    PointsEntry,
    PointsLot,
    Program,
    QualifyingEntry,
    Tier,
    TierChange,
)
from loyalty.rules.tiers import Rung, Step, counts_from, held_before, progress

#: The one ladder that counts until there are several.
MAIN_LADDER = "main"
#: Days of coming expiry that the summary lists.
_EXPIRING_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Expiring:
    """Points whose last good day is ``on``, in the shop's zone (P10)."""

    points: int
    on: date


@dataclass(frozen=True, slots=True)
class PointsSummary:
    """A member's points at one moment (P2, P3)."""

    available: int = 0
    pending: int = 0
    #: Reserved for orders, or all of it while the account is frozen.
    frozen: int = 0
    debt: int = 0
    balance: int = 0
    lifetime_earned: int = 0
    is_frozen: bool = False
    expiring: tuple[Expiring, ...] = ()


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


def program() -> Program:
    """Return the points program; the first migration writes it."""
    return Program.objects.get()


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


def points_summary(member_id: int, at: datetime) -> PointsSummary:
    """Return what a member has at ``at``, in two statements."""
    return summary_of(PointsAccount.objects.filter(member_id=member_id).first(), at)


def summary_of(account: PointsAccount | None, at: datetime) -> PointsSummary:
    """Return what an account holds at ``at``, in one statement; nothing for none.

    Lots that ended by then do not count, even if no job has booked it yet (P10).
    """
    if account is None:
        return PointsSummary()
    lots = PointsLot.objects.filter(
        Q(expires_at__gt=at) | Q(expires_at=None),
        account=account,
        remaining__gt=0,
    ).order_by(F("expires_at").asc(nulls_last=True), "active_at", "id")
    active = [lot for lot in lots if lot.active_at <= at]
    free = sum(lot.remaining - lot.held for lot in active)
    available = 0 if account.is_frozen or account.debt else free
    return PointsSummary(
        available=available,
        pending=sum(lot.remaining for lot in lots if lot.active_at > at),
        frozen=account.held + (free if account.is_frozen else 0),
        debt=account.debt,
        balance=account.balance,
        lifetime_earned=account.lifetime_earned,
        is_frozen=account.is_frozen,
        expiring=_expiring(active),
    )


_PURSE = """
SELECT p.redeem_max_bp, p.redeem_step, p.redeem_minor_per_100,
       COALESCE(a.is_frozen, false), COALESCE(a.debt, 0), COALESCE(t.code, ''),
       (SELECT COALESCE(sum(l.remaining - l.held), 0)::bigint
          FROM loyalty_pointslot l
         WHERE l.account_id = a.member_id AND l.remaining > 0
           AND l.active_at <= %(at)s
           AND (l.expires_at > %(at)s OR l.expires_at IS NULL)),
       COALESCE((SELECT h.points FROM loyalty_pointshold h
          JOIN orders_order o ON h.source = 'order:' || o.public_id
         WHERE o.id = %(order)s AND h.state = 'open'), 0)
  FROM loyalty_program p
  LEFT JOIN loyalty_pointsaccount a ON a.member_id = %(member)s
  LEFT JOIN loyalty_tier t ON t.id = a.tier_id
"""


@dataclass(frozen=True, slots=True)
class Purse:
    """What a price needs to know of a member's points and tier."""

    share_bp: int
    step: int
    minor_per_100: int
    is_frozen: bool
    debt: int
    tier_code: str
    #: Of active lots, without what is held for orders.
    free: int
    #: Held for the order that asks again (C6).
    own_hold: int

    @property
    def available(self) -> int:
        """Return what this order may spend (P2, P14); nothing in debt (P18)."""
        return (0 if self.is_frozen or self.debt else self.free) + self.own_hold


def purse(*, member_id: int, at: datetime, order_id: int | None = None) -> Purse:
    """Return terms, points and tier of a member at ``at``, in one statement."""
    with planned_cursor() as cursor:
        cursor.execute(_PURSE, {"member": member_id, "at": at, "order": order_id})
        return Purse(*cursor.fetchone())


def _expiring(lots: Sequence[PointsLot]) -> tuple[Expiring, ...]:
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    days: dict[date, int] = {}
    for lot in lots:
        if lot.expires_at is not None and lot.remaining > lot.held:
            # The end is exclusive: midnight belongs to the day before.
            last = (lot.expires_at - datetime.resolution).astimezone(zone).date()
            days[last] = days.get(last, 0) + lot.remaining - lot.held
    return tuple(Expiring(days[on], on) for on in sorted(days))[:_EXPIRING_SHOWN]


def entries(member_id: int) -> QuerySet[PointsEntry]:
    """Return the movements of a member's points with the lots they opened.

    Entries of 0 points only mark that a source was booked; members do not see them.
    """
    return (
        PointsEntry.objects.filter(account_id=member_id)
        .exclude(points=0)
        .select_related("lot")
    )


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
