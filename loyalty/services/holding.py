"""Reserve points, for an order or for a dispute, then spend or free them (P13)."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from loyalty.models import HoldTake, PointsAccount, PointsEntry, PointsHold, PointsLot
from loyalty.rules.ledger import Book
from loyalty.rules.lots import Take, free_points
from loyalty.services.posting import (
    NotEnoughPoints,
    PointsFrozen,
    book_of,
    locked_account,
    lot_of,
    lots_left,
    post,
    post_one,
)


class HoldIsOver(Refusal):
    """These points are no longer reserved."""

    code = "points_hold_over"
    message = _("These points are no longer reserved.")


@transaction.atomic
def hold_points(
    *, member_id: int, points: int, source: str, now: datetime
) -> PointsHold:
    """Reserve points, of the lots that would be spent first.

    Calling again with the same ``source`` returns the first hold.

    Args:
        points: whole points, > 0.
        source: the cause, such as ``order:ord_01J…``; at most 80 characters.

    Raises:
        NotEnoughPoints: fewer are available; nothing is reserved (P12).
        PointsFrozen: the account is frozen (P14).
    """
    account = locked_account(member_id=member_id, now=now)
    there = PointsHold.objects.filter(source=source).first()
    if there is not None:
        return there
    if account.is_frozen:
        raise PointsFrozen
    return reserve(account, points=points, source=source, now=now)


def reserve(
    account: PointsAccount, *, points: int | None, source: str, now: datetime
) -> PointsHold:
    """Hold points of a locked account, of the lots that would be spent first.

    Args:
        points: whole points, > 0; None is all that can be spent.

    Raises:
        NotEnoughPoints: fewer are available, or none; nothing is reserved (P12).
    """
    book = book_of(account, lots=lots_left(member_id=account.pk))
    available = 0 if book.debt else free_points(book.lots, now)
    if points is None:
        points = available
    if not 0 < points <= available:
        raise NotEnoughPoints(available=available, wanted=points)
    takes = book.hold(points, at=now)
    hold = PointsHold.objects.create(
        account=account, points=points, source=source, created_at=now
    )
    HoldTake.objects.bulk_create(
        HoldTake(hold=hold, lot_id=take.lot.id, points=take.points) for take in takes
    )
    _write_held(book, takes)
    return hold


@transaction.atomic
def capture_hold(
    *, source: str, now: datetime, points: int | None = None
) -> PointsEntry:
    """Spend what a hold reserved, or less; the rest is free again.

    Lots that ended while held may still be spent (P13). Captured before: returns that
    entry.

    Args:
        points: how many to spend, at most the hold; None spends all of it.

    Raises:
        HoldIsOver: there is no such hold, or it was released.
    """
    account, hold, takes = _locked_hold(source)
    if hold.state == PointsHold.State.CAPTURED:
        return PointsEntry.objects.get(
            account_id__in=account.accounts,
            kind=PointsEntry.Kind.SPEND,
            source=source,
        )
    if hold.state == PointsHold.State.RELEASED:
        raise HoldIsOver
    wanted = hold.points if points is None else points
    if not 0 < wanted <= hold.points:
        raise ValueError(f"{wanted} of {hold.points} held points cannot be captured.")
    book = book_of(account, lots=[take.lot for take in takes])
    book.let_go(takes)
    movement = book.take(
        PointsEntry.Kind.SPEND, _first(takes, wanted), source=source, occurred_at=now
    )
    if wanted < hold.points:
        _write_held(book, takes)
        book.pay_debt(source=f"debt:{source}"[:80], at=now)
    entry = post_one(book, movement=movement)
    _resolve(hold, PointsHold.State.CAPTURED, now)
    return entry


@transaction.atomic
def release_hold(*, source: str, now: datetime) -> bool:
    """Free what a hold reserved; whether there was something to free.

    A hold that is absent, released or captured stays as it is. What becomes free pays
    debt first (P18).
    """
    try:
        account, hold, takes = _locked_hold(source)
    except HoldIsOver:
        return False
    if hold.state != PointsHold.State.OPEN:
        return False
    book = book_of(account, lots=[take.lot for take in takes])
    book.let_go(takes)
    _write_held(book, takes)
    if book.pay_debt(source=f"debt:{source}"[:80], at=now):
        post([book])
    _resolve(hold, PointsHold.State.RELEASED, now)
    return True


def _locked_hold(source: str) -> tuple[PointsAccount, PointsHold, list[Take]]:
    """Lock the account of a hold, then read the hold and its lots.

    A merge that came between has moved them to another account, which is locked then.

    Raises:
        HoldIsOver: nothing was ever reserved for ``source``.
    """
    account = (
        PointsAccount.objects.select_for_update(of=["self"], no_key=True)
        .filter(holds__source=source)
        .first()
    )
    if account is None:
        raise HoldIsOver
    rows = (
        HoldTake.objects.filter(hold__source=source)
        .select_related("hold", "lot")
        .order_by("id")
    )
    takes = list(rows)
    hold = takes[0].hold
    if hold.account_id != account.pk:
        return _locked_hold(source)
    return account, hold, [Take(lot_of(take.lot), take.points) for take in takes]


def _first(takes: list[Take], points: int) -> list[Take]:
    """Return the first ``points`` of takes."""
    parts, missing = [], points
    for take in takes:
        if missing == 0:
            break
        parts.append(Take(take.lot, min(take.points, missing)))
        missing -= parts[-1].points
    return parts


def _write_held(book: Book, takes: list[Take]) -> None:
    """Write what is held now: of each lot and of the account."""
    lots = [PointsLot(pk=take.lot.id, held=take.lot.held) for take in takes]
    PointsLot.objects.bulk_update(lots, ["held"])
    PointsAccount.objects.filter(pk=book.member_id).update(held=book.held)


def _resolve(hold: PointsHold, state: str, now: datetime) -> None:
    PointsHold.objects.filter(pk=hold.pk).update(state=state, resolved_at=now)
