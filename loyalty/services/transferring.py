"""Points that one member passes on to another (P25)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from loyalty.models import PointsAccount, PointsEntry, Program
from loyalty.queries.program import program
from loyalty.rules.lots import free_points
from loyalty.services.closing import month_bounds_at
from loyalty.services.merging_points import locked_pair
from loyalty.services.posting import (
    NotEnoughPoints,
    PointsFrozen,
    book_of,
    lots_left,
    post,
)
from members.models import Member

#: How sources of entries begin that passed points on.
SOURCE = "gift:"


class TransfersOff(Refusal):
    """Points are not passed on in this shop."""

    code = "transfers_off"
    message = _("Points are not passed on in this shop.")


class UnknownReceiver(Refusal):
    """Nobody with this number can receive points from you."""

    code = "unknown_receiver"
    status = 422
    message = _("Nobody with this number can receive points from you.")
    pointer = "/to"


class TransferTooLarge(Refusal):
    """More points than may be passed on."""

    code = "transfer_too_large"
    status = 422
    message = _("At most %(most)s points can be passed on now.")
    pointer = "/points"


class ReceiverRests(Refusal):
    """Whoever received points waits some days before the next transfer."""

    code = "transfer_rest"
    message = _(
        "Whoever received points waits %(days)s days before receiving others or "
        "passing any on."
    )


@dataclass(frozen=True, slots=True)
class Transfer:
    """Points that went over: what left, and what came in, lot by lot."""

    sent: tuple[PointsEntry, ...]
    received: tuple[PointsEntry, ...]

    @property
    def points(self) -> int:
        """Return how many."""
        return sum(entry.points for entry in self.received)


@transaction.atomic
def transfer_points(
    *, giver_id: int, to_number: str, points: int, request_key: str, now: datetime
) -> Transfer:
    """Pass points on, first to end first; they keep their ends (P25).

    Each end is two entries, one here and one there. Pending, held, frozen and ended
    points stay. What comes in pays debt first (P18) and does not count as earned. Asked
    again with the same ``request_key`` it returns the first answer.

    Args:
        to_number: the receiver's member number.
        points: whole points, > 0.
        request_key: at most 40 characters.

    Raises:
        TransfersOff, UnknownReceiver, TransferTooLarge, ReceiverRests: as they say.
        NotEnoughPoints: fewer are available; nothing moves (P12).
        PointsFrozen: the giver's account is frozen (P14).
    """
    terms = program()
    if not terms.transfer_max or not terms.transfer_month_max:
        raise TransfersOff
    taker_id = _receiver(to_number, giver_id=giver_id)
    # In the order of ids, so that two who give each other something never lock up.
    pair = locked_pair(member_ids=sorted((giver_id, taker_id)), now=now)
    giver, taker = pair[giver_id], pair[taker_id]
    source = f"{SOURCE}{request_key}"
    done = _written(source, giver=giver, taker=taker)
    if done is not None:
        return done
    if giver.is_frozen:
        raise PointsFrozen
    if taker.is_frozen or not Member.objects.may_spend().filter(pk=giver_id).exists():
        raise UnknownReceiver
    _refuse_large(giver, points, terms=terms, now=now)
    _refuse_rest([giver_id, taker_id], terms=terms, now=now)
    _move(giver, taker, points, source=source, now=now)
    done = _written(source, giver=giver, taker=taker)
    assert done is not None
    return done


def _receiver(number: str, *, giver_id: int) -> int:
    found = Member.objects.may_earn().filter(number=number).exclude(pk=giver_id)
    taker_id = found.values_list("pk", flat=True).first()
    if taker_id is None:
        raise UnknownReceiver
    return taker_id


def _refuse_large(
    giver: PointsAccount, points: int, *, terms: Program, now: datetime
) -> None:
    start, end = month_bounds_at(now)
    given = PointsEntry.objects.filter(
        account=giver,
        kind=PointsEntry.Kind.GIFT,
        points__lt=0,
        occurred_at__gte=start,
        occurred_at__lt=end,
    ).aggregate(sum=Sum("points"))["sum"]
    left = terms.transfer_month_max + (given or 0)
    most = max(0, min(terms.transfer_max, left))
    if points > most:
        raise TransferTooLarge(most=most)


def _refuse_rest(member_ids: Sequence[int], *, terms: Program, now: datetime) -> None:
    """Points do not wander on, and nobody collects them from many."""
    since = now - timedelta(days=terms.transfer_rest_days)
    received = PointsEntry.objects.filter(
        account_id__in=member_ids,
        kind=PointsEntry.Kind.GIFT,
        points__gt=0,
        occurred_at__gt=since,
    )
    if terms.transfer_rest_days and received.exists():
        raise ReceiverRests(days=terms.transfer_rest_days)


def _move(
    giver: PointsAccount,
    taker: PointsAccount,
    points: int,
    *,
    source: str,
    now: datetime,
) -> None:
    mine = book_of(giver, lots=lots_left(member_id=giver.pk))
    theirs = book_of(taker)
    available = 0 if mine.debt else free_points(mine.lots, now)
    if points > available:
        raise NotEnoughPoints(available=available, wanted=points)
    mine.pass_on(theirs, points, kind=PointsEntry.Kind.GIFT, source=source, at=now)
    post([mine, theirs])


def _written(
    source: str, *, giver: PointsAccount, taker: PointsAccount
) -> Transfer | None:
    entries = (
        PointsEntry.objects.filter(
            account__in=[giver, taker],
            kind=PointsEntry.Kind.GIFT,
            source__startswith=f"{source}:",
        )
        .select_related("lot")
        .order_by("seq")
    )
    sent = tuple(entry for entry in entries if entry.points < 0)
    received = tuple(entry for entry in entries if entry.points > 0)
    return Transfer(sent, received) if sent else None
