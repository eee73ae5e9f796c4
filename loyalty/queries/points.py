"""What a member has in points, and how it came."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from loyalty.models import (
    PointsAccount,
    PointsEntry,
    PointsLot,
)

#: Days of coming expiry that the summary lists.
_EXPIRING_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Expiring:
    """Points whose last good day is ``on``, in the shop's zone (P10)."""

    points: int
    on: date


@dataclass(frozen=True, slots=True)
class Activating:
    """Pending points and the first day they are good; None: after delivery (P9).

    Points of goods that are ``asked_back`` have no day: they are good when the return
    comes to nothing, and are taken back when the money goes back (R10).
    """

    points: int
    on: date | None
    asked_back: bool = False


@dataclass(frozen=True, slots=True)
class PointsSummary:
    """A member's points at one moment (P2, P3)."""

    available: int = 0
    pending: int = 0
    #: Reserved for orders or set aside, and the rest while the account is frozen.
    frozen: int = 0
    debt: int = 0
    balance: int = 0
    lifetime_earned: int = 0
    is_frozen: bool = False
    expiring: tuple[Expiring, ...] = ()
    activating: tuple[Activating, ...] = ()


def points_summary(member_id: int, at: datetime) -> PointsSummary:
    """Return what a member has at ``at``, in two statements."""
    return summary_of(PointsAccount.objects.filter(member_id=member_id).first(), at)


def summary_of(account: PointsAccount | None, at: datetime) -> PointsSummary:
    """Return what an account holds at ``at``, in one statement; nothing for none.

    Lots that ended by then do not count, even if no job has booked it yet (P10), but
    for those of a frozen account, which do not age (P14).
    """
    if account is None:
        return PointsSummary()
    lots = PointsLot.objects.filter(
        Q(expires_at__gt=account.term_stopped_at or at) | Q(expires_at=None),
        account=account,
        is_open=True,
    ).order_by(F("expires_at").asc(nulls_last=True), "active_at", "id")
    pending = [lot for lot in lots if lot.active_at is None or lot.active_at > at]
    waiting = {lot.pk for lot in pending}
    active = [lot for lot in lots if lot.pk not in waiting]
    free = sum(lot.free for lot in active)
    available = 0 if account.is_frozen or account.debt else free
    return PointsSummary(
        available=available,
        pending=sum(lot.remaining for lot in pending)
        + sum(lot.asked_back for lot in active),
        frozen=account.held + (free if account.is_frozen else 0),
        debt=account.debt,
        balance=account.balance,
        lifetime_earned=account.lifetime_earned,
        is_frozen=account.is_frozen,
        expiring=_expiring(active),
        activating=_activating(pending, active),
    )


def available_points(at: datetime, *, account: str = "pk") -> Coalesce:
    """Return the expression for what can be spent of an account at ``at`` (P2).

    Nothing of one that is frozen or owes (P14, P18), nor what is pending, reserved,
    asked back, or past its end whether or not a job has booked it (P9, P10, R10).

    Args:
        account: field of the outer query that is the key of the account.
    """
    lots = PointsLot.objects.filter(
        Q(expires_at__gt=at) | Q(expires_at=None),
        account_id=OuterRef(account),
        account__is_frozen=False,
        account__debt=0,
        active_at__lte=at,
        is_open=True,
    ).order_by()
    left = F("remaining") - F("held") - F("asked_back")
    free = lots.values("account_id").annotate(points=Sum(left))
    return Coalesce(Subquery(free.values("points")), 0)


def _activating(
    pending: Sequence[PointsLot], active: Sequence[PointsLot]
) -> tuple[Activating, ...]:
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    days: dict[date | None, int] = {}
    for lot in pending:
        on = lot.active_at.astimezone(zone).date() if lot.active_at else None
        days[on] = days.get(on, 0) + lot.remaining - lot.asked_back
    ordered = sorted(days, key=lambda on: (on is None, on or date.max))
    found = [Activating(days[on], on) for on in ordered if days[on]]
    asked_back = sum(lot.asked_back for lot in (*pending, *active))
    if asked_back:
        found.append(Activating(asked_back, None, asked_back=True))
    return tuple(found)


def _expiring(lots: Sequence[PointsLot]) -> tuple[Expiring, ...]:
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    days: dict[date, int] = {}
    for lot in lots:
        if lot.expires_at is not None and lot.free:
            # The end is exclusive: midnight belongs to the day before.
            last = (lot.expires_at - datetime.resolution).astimezone(zone).date()
            days[last] = days.get(last, 0) + lot.free
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
