"""Points that staff give or take, with a reason."""

from datetime import datetime
from typing import Any

from django.db import transaction

from crm.shared.audit import record_audit
from loyalty.models import PointsEntry
from loyalty.queries.program import program
from loyalty.services.order_points import end_of_points
from loyalty.services.posting import book_of, locked_account, post_one
from loyalty.services.redeeming import entry_of, take_points


@transaction.atomic
def grant_points(
    *,
    member_id: int,
    points: int,
    reason: str,
    actor: Any,
    source: str,
    now: datetime,
    reason_code: str = "",
) -> PointsEntry:
    """Give a member points that end like earned ones; debt is paid first (P18).

    Calling again with the same ``source`` returns the first entry, also after a merge.

    Args:
        points: whole points, > 0.
        reason: why, for the member's history and the audit trail.
        actor: the login, or the name of a program.
        source: the cause, such as ``staff:4f2a…``; at most 80 characters.
        reason_code: a ``ReasonCode`` where a person does it by hand (P27).
    """
    if points <= 0:
        raise ValueError("points must be > 0.")
    account = locked_account(member_id=member_id, now=now)
    done = entry_of(
        accounts=account.accounts, kind=PointsEntry.Kind.GRANT, source=source
    )
    if done is not None:
        return done
    book = book_of(account)
    movement = book.add(
        PointsEntry.Kind.GRANT,
        points,
        source=source,
        occurred_at=now,
        active_at=now,
        expires_at=end_of_points(active_at=now, terms=program()),
        reason_code=reason_code,
        reason=reason[:200],
        actor=name_of(actor),
    )
    entry = post_one(book, movement=movement)
    _record(entry, action="points.grant", actor=actor, now=now)
    return entry


@transaction.atomic
def deduct_points(
    *,
    member_id: int,
    points: int,
    reason: str,
    actor: Any,
    source: str,
    now: datetime,
    reason_code: str = "",
) -> PointsEntry:
    """Take points from a member, first to end first; all or nothing (P11, P12).

    Arguments and retries as in ``grant_points``.

    Raises:
        NotEnoughPoints: fewer are available.
        PointsFrozen: the account is frozen (P14).
    """
    entry, is_new = take_points(
        member_id=member_id,
        kind=PointsEntry.Kind.DEDUCT,
        points=points,
        source=source,
        now=now,
        reason_code=reason_code,
        reason=reason[:200],
        actor=name_of(actor),
    )
    if is_new:
        _record(entry, action="points.deduct", actor=actor, now=now)
    return entry


def _record(entry: PointsEntry, *, action: str, actor: Any, now: datetime) -> None:
    record_audit(
        actor=actor,
        action=action,
        obj=entry,
        reason=entry.reason,
        detail={"points": entry.points, "reason_code": entry.reason_code},
        now=now,
    )


def name_of(actor: Any) -> str:
    """Return what a book says who it was: a login's name, or that of a program."""
    if actor is None or isinstance(actor, str):
        return (actor or "system")[:80]
    return actor.get_username()[:80]
