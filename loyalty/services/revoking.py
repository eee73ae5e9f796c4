"""Undo an entry by one that names it, and bring expired points back (P1, P16)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from loyalty.models import LotTake, PointsAccount, PointsEntry, PointsLot
from loyalty.queries.program import program
from loyalty.rules.clawback import Shortage, shortage_of_grant
from loyalty.rules.ledger import Book, Movement, SpentTake
from loyalty.services.adjusting import name_of
from loyalty.services.order_points import end_of_points
from loyalty.services.points_due import earnings_of
from loyalty.services.posting import (
    book_of,
    locked_account,
    lot_of,
    lots_left,
    post_one,
)
from members.queries import standing_id

_Kind = PointsEntry.Kind
#: Kinds whose points staff can take back, and those they can give back.
INCOMING = (_Kind.EARN, _Kind.GRANT, _Kind.OPENING, _Kind.REINSTATE)
OUTGOING = (_Kind.DEDUCT,)


class NotRevocable(Refusal):
    """An entry of this kind is not revoked."""

    code = "not_revocable"
    status = 422
    message = _(
        "An entry of this kind is not revoked: refund the order, or grant or deduct "
        "points."
    )


class AlreadyRevoked(Refusal):
    """Nothing of this entry is left to be revoked."""

    code = "already_revoked"
    message = _("Nothing of this entry is left to be revoked.")


class NotReinstatable(Refusal):
    """These points cannot be brought back."""

    code = "not_reinstatable"
    message = _(
        "Only expired points are reinstated, within the days the program allows."
    )


class AlreadyReinstated(Refusal):
    """These points were brought back before."""

    code = "already_reinstated"
    message = _("These points were brought back before.")


@dataclass(frozen=True, slots=True)
class Revocation:
    """What revoking an entry does: points that come, go, or are missing.

    ``from_own`` were never moved since, ``from_others`` replace some that were.
    ``reserved`` of what is missing are held for an order, or frozen.
    """

    points: int
    from_own: int = 0
    from_others: int = 0
    owed: int = 0
    waived: int = 0
    reserved: int = 0


def preview_revocation(entry: PointsEntry, *, now: datetime) -> Revocation:
    """Say what revoking an entry would do; writes nothing.

    Raises:
        NotRevocable, AlreadyRevoked: as ``revoke_entry`` says.
    """
    account = PointsAccount.objects.get(pk=holder_of(entry))
    book, movement = _move(account, entry, now=now)
    if movement.points > 0:
        return Revocation(points=movement.points)
    own = _lot_id(entry)
    from_own = sum(take.points for take in movement.takes if take.lot.id == own)
    owed, waived = (movement.trace.get(word, 0) for word in ("owed", "waived"))
    return Revocation(
        points=movement.points,
        from_own=from_own,
        from_others=sum(take.points for take in movement.takes) - from_own,
        owed=owed,
        waived=waived,
        reserved=min(owed + waived, book.held),
    )


@transaction.atomic
def revoke_entry(
    *, entry_id: int, reason: str, actor: Any, now: datetime, reason_code: str = ""
) -> PointsEntry:
    """Undo what is left of an entry, once, by one that names it (P1).

    Points that came in are taken from their own lot first, then from others (P16);
    what is missing is owed or waived as the program says, and the new entry tells by
    whom and why (P17). Points that staff deducted go back to their lots (P20). Asked
    again, it returns the first answer.

    Raises:
        NotRevocable: not earned, granted, an opening balance, or deducted by staff.
        AlreadyRevoked: refunds have taken all of it back.
    """
    entry = PointsEntry.objects.get(pk=entry_id)
    account = locked_account(member_id=holder_of(entry), now=now)
    done = PointsEntry.objects.filter(
        account_id__in=account.accounts, source=_source(entry)
    ).first()
    if done is not None:
        return done
    book, movement = _move(
        account,
        entry,
        now=now,
        reason_code=reason_code,
        reason=reason[:200],
        actor=name_of(actor),
    )
    revoked = post_one(book, movement=movement)
    _record(revoked, entry, "points.revoke", actor, now)
    return revoked


@transaction.atomic
def reinstate_points(
    *, entry_id: int, reason: str, actor: Any, now: datetime, reason_code: str = ""
) -> PointsEntry:
    """Bring expired points back as a new lot that ends like one earned now, once.

    Debt is paid first (P18); they do not count as earned (P21). Asked again, it returns
    the first answer.

    Args:
        entry_id: the expiry.

    Raises:
        NotReinstatable: no expiry, or longer ago than the program allows.
    """
    entry = PointsEntry.objects.get(pk=entry_id)
    account = locked_account(member_id=holder_of(entry), now=now)
    source = f"reinstate:{entry.public_id}"
    done = PointsEntry.objects.filter(
        account_id__in=account.accounts, source=source
    ).first()
    if done is not None:
        return done
    refuse_late(entry, now=now)
    book = book_of(account)
    movement = book.add(
        _Kind.REINSTATE,
        -entry.points,
        source=source,
        occurred_at=now,
        active_at=now,
        expires_at=end_of_points(active_at=now, terms=program()),
        reason_code=reason_code,
        reason=reason[:200],
        actor=name_of(actor),
        reverses=entry.pk,
    )
    back = post_one(book, movement=movement)
    _record(back, entry, "points.reinstate", actor, now)
    return back


def refuse_late(entry: PointsEntry, *, now: datetime) -> None:
    """Refuse to reinstate what is no expiry, or one too long ago.

    Raises:
        NotReinstatable, AlreadyReinstated: as they say.
    """
    window = timedelta(days=program().reinstate_days)
    if entry.kind != _Kind.EXPIRE or now > entry.occurred_at + window or not window:
        raise NotReinstatable
    if PointsEntry.objects.filter(reverses=entry, kind=_Kind.REINSTATE).exists():
        raise AlreadyReinstated


def _move(
    account: PointsAccount, entry: PointsEntry, *, now: datetime, **why: str
) -> tuple[Book, Movement]:
    """Move the points in a book: for booking and for a preview alike."""
    told: dict[str, Any] = {**why, "reverses": entry.pk}
    book = book_of(account, lots=lots_left(member_id=account.pk))
    if entry.kind in OUTGOING:
        return book, _give_back(book, entry, now=now, told=told)
    if entry.kind not in INCOMING:
        raise NotRevocable
    due, trace = _due(entry, account)
    if due <= 0:
        raise AlreadyRevoked
    own = _lot_id(entry)
    policy = program().claw_back
    is_order = entry.kind == _Kind.EARN
    shortage = Shortage(policy) if is_order else shortage_of_grant(policy)
    return book, book.claw_back(
        due,
        own_lot=next((lot for lot in book.lots if lot.id == own), None),
        may_owe=shortage.may_owe,
        only_pending=shortage is Shortage.PENDING,
        at=now,
        source=_source(entry),
        occurred_at=now,
        trace=trace,
        **told,
    )


def _give_back(
    book: Book, entry: PointsEntry, *, now: datetime, told: dict[str, Any]
) -> Movement:
    lots = {lot.id: lot for lot in book.lots}
    rows = LotTake.objects.filter(entry=entry).select_related("lot").order_by("pk")
    takes = []
    for row in rows:
        is_own = row.lot.account_id == book.member_id
        lot = lots.get(row.lot_id)
        if lot is None:
            lot = lot_of(row.lot)
            if is_own:
                book.lots.append(lot)
        takes.append(
            SpentTake(row.pk, lot, row.points, row.returned, row.restored, is_own)
        )
    if not any(take.points > take.returned for take in takes):
        raise AlreadyRevoked
    return book.give_back(
        -entry.points,
        takes,
        source=_source(entry),
        now=now,
        grace=program().return_grace,
        **told,
    )


def _due(entry: PointsEntry, account: PointsAccount) -> tuple[int, dict[str, Any]]:
    """Return what of an incoming entry nobody has taken back, and its new trace.

    An order that is revoked has nothing left that refunds could take (P19).
    """
    reversals = PointsEntry.objects.filter(
        account_id__in=account.accounts, reverses=entry
    )
    due = entry.points - sum(
        row.trace.get("due", 0) + row.trace.get("deducted", 0) for row in reversals
    )
    if entry.kind != _Kind.EARN or "basis_minor" not in entry.trace:
        return due, {}
    earning = earnings_of([entry], lots=[])[entry.pk]
    left = earning.basis_minor - earning.refunded_minor
    return due, {"refunded_minor": left, "basis_minor": earning.basis_minor}


def holder_of(entry: PointsEntry) -> int:
    """Return whose an entry's points are now: after a merge, of who has the lot."""
    lot = PointsLot.objects.filter(entry=entry).values_list("account_id", flat=True)
    return lot.first() or standing_id(entry.account_id)


def _lot_id(entry: PointsEntry) -> int | None:
    return PointsLot.objects.filter(entry=entry).values_list("pk", flat=True).first()


def _source(entry: PointsEntry) -> str:
    return f"revoke:{entry.public_id}"


def _record(
    made: PointsEntry, entry: PointsEntry, action: str, actor: Any, now: datetime
) -> None:
    record_audit(
        actor=actor,
        action=action,
        obj=made,
        reason=made.reason,
        detail={
            "points": made.points,
            "entry": entry.public_id,
            "reason_code": made.reason_code,
        },
        now=now,
    )
