"""What the pages of the points books show: why available is what it is, and uses."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, F, IntegerField, Q, QuerySet, Sum, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from loyalty.models import (
    LotTake,
    PointsAccount,
    PointsEntry,
    PointsFreeze,
    PointsHold,
    PointsLot,
)


@dataclass(frozen=True, slots=True)
class Breakdown:
    """From the balance to what can be spent; the parts add up (P2)."""

    balance: int
    #: Ended, but not booked yet (P10).
    ended: int
    pending: int
    #: Of the pending: they wait because their goods are asked back (R10).
    asked_back: int
    #: Held for orders, and set aside by staff; of active lots or of those ended since.
    reserved: int
    set_aside: int
    #: What is left while the account is frozen, or owes something.
    stopped: int
    available: int
    debt: int


def breakdown(account: PointsAccount, *, at: datetime) -> Breakdown:
    """Say why ``available`` is what it is, in two statements."""
    over = Q(expires_at__lte=account.term_stopped_at or at)
    waits = Q(active_at__gt=at) | Q(active_at=None)
    stands = ~over_or_none(over)

    def total(condition: Q, part: Combinable) -> Coalesce:
        part = Case(When(condition, then=part), output_field=IntegerField())
        return Coalesce(Sum(part), 0)

    left, asked_back = F("remaining") - F("held"), F("asked_back")
    lots = PointsLot.objects.filter(account=account, is_open=True).aggregate(
        ended=total(over, left),
        pending=total(stands & waits, left)
        + total(stands & Q(active_at__lte=at), asked_back),
        free=total(stands & Q(active_at__lte=at), left - asked_back),
        waiting=total(stands, asked_back),
    )
    held = PointsHold.objects.filter(
        account=account, state=PointsHold.State.OPEN
    ).aggregate(
        set_aside=Coalesce(Sum("points", filter=Q(freeze__isnull=False)), 0),
        reserved=Coalesce(Sum("points", filter=Q(freeze__isnull=True)), 0),
    )
    stops = account.is_frozen or account.debt
    return Breakdown(
        balance=account.balance,
        ended=lots["ended"],
        pending=lots["pending"],
        asked_back=lots["waiting"],
        reserved=held["reserved"],
        set_aside=held["set_aside"],
        stopped=lots["free"] if stops else 0,
        available=0 if stops else lots["free"],
        debt=account.debt,
    )


def breakdown_of(*, member_id: int, at: datetime) -> Breakdown:
    """Say it of a member; nothing but zeros for one who never had an account."""
    account = PointsAccount.objects.filter(member_id=member_id).first()
    return breakdown(account or PointsAccount(member_id=member_id), at=at)


def over_or_none(over: Q) -> Q:
    """Return a condition on ends that is false, not unknown, where there is none."""
    return Q(expires_at__isnull=False) & over


def open_freezes(*, member_id: int) -> QuerySet[PointsFreeze]:
    """Return the points of a member that staff set aside, oldest first."""
    return (
        PointsFreeze.objects.filter(
            hold__account_id=member_id, hold__state=PointsHold.State.OPEN
        )
        .select_related("hold")
        .order_by("hold__created_at", "pk")
    )


def uses_of(entry: PointsEntry) -> QuerySet[LotTake]:
    """Return what later took points of the lot an entry opened (P11)."""
    return (
        LotTake.objects.filter(lot__entry=entry)
        .select_related("entry")
        .order_by("entry__occurred_at", "pk")
    )


def sources_of(entry: PointsEntry) -> QuerySet[LotTake]:
    """Return from which lots an outgoing entry took its points (P11)."""
    return (
        LotTake.objects.filter(entry=entry).select_related("lot__entry").order_by("pk")
    )


def other_side(entry: PointsEntry) -> PointsEntry | None:
    """Return the entry of the other member, of points that were passed on (P25)."""
    if entry.kind != PointsEntry.Kind.GIFT:
        return None
    same = PointsEntry.objects.filter(
        kind=entry.kind, occurred_at=entry.occurred_at, source=entry.source
    )
    return same.exclude(pk=entry.pk).select_related("account__member").first()


def statement(*, member_id: int) -> Iterator[PointsEntry]:
    """Yield every entry of an account in its order, a thousand at a time."""
    entries = PointsEntry.objects.filter(account_id=member_id).select_related("lot")
    return entries.order_by("seq").iterator(chunk_size=1_000)
