"""Points that leave an account all at once: spent on what is no order, or taken."""

from datetime import datetime

from django.db import transaction

from loyalty.models import PointsEntry
from loyalty.rules.lots import free_points
from loyalty.services.posting import (
    NotEnoughPoints,
    PointsFrozen,
    book_of,
    locked_account,
    lots_left,
    post_one,
)


def redeem_points(
    *,
    member_id: int,
    points: int,
    source: str,
    now: datetime,
    reason: str = "",
    actor: str = "",
) -> PointsEntry:
    """Spend a member's points on something that is no order, such as a coupon.

    Arguments, retries and errors as in ``take_points``.
    """
    entry, _ = take_points(
        member_id=member_id,
        kind=PointsEntry.Kind.SPEND,
        points=points,
        source=source,
        now=now,
        reason=reason,
        actor=actor,
    )
    return entry


@transaction.atomic
def take_points(
    *,
    member_id: int,
    kind: str,
    points: int,
    source: str,
    now: datetime,
    reason: str = "",
    actor: str = "",
) -> tuple[PointsEntry, bool]:
    """Take points out, first to end first; all or nothing (P11, P12).

    Calling again with the same ``kind`` and ``source`` returns the first entry.

    Args:
        kind: what the entry says they are, a ``PointsEntry.Kind``.
        points: whole points, > 0.
        source: what they went for; at most 80 characters.
        reason: why, for the member's history.
        actor: the name of who took them; empty for the member.

    Returns:
        The entry, and whether it is new.

    Raises:
        NotEnoughPoints: fewer are available.
        PointsFrozen: the account is frozen (P14).
    """
    if points <= 0:
        raise ValueError("points must be > 0.")
    account = locked_account(member_id=member_id, now=now)
    done = entry_of(member_id=member_id, kind=kind, source=source)
    if done is not None:
        return done, False
    if account.is_frozen:
        raise PointsFrozen
    book = book_of(account, lots=lots_left(member_id=member_id))
    available = 0 if book.debt else free_points(book.lots, now)
    if points > available:
        raise NotEnoughPoints(available=available, wanted=points)
    movement = book.spend(
        kind, points, source=source, at=now, reason=reason, actor=actor
    )
    return post_one(book, movement=movement), True


def entry_of(*, member_id: int, kind: str, source: str) -> PointsEntry | None:
    """Return what a cause did to an account already; see ``take_points``."""
    return PointsEntry.objects.filter(
        account_id=member_id, kind=kind, source=source
    ).first()
