"""Points that members spend on something that is no order, such as a coupon."""

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


@transaction.atomic
def redeem_points(
    *, member_id: int, points: int, source: str, now: datetime
) -> PointsEntry:
    """Spend a member's points, first to end first; all or nothing (P11, P12).

    Calling again with the same ``source`` returns the first entry.

    Args:
        points: whole points, > 0.
        source: what they were spent on; at most 80 characters.

    Raises:
        NotEnoughPoints: fewer are available.
        PointsFrozen: the account is frozen (P14).
    """
    if points <= 0:
        raise ValueError("points must be > 0.")
    account = locked_account(member_id=member_id, now=now)
    done = PointsEntry.objects.filter(
        account_id=member_id, kind=PointsEntry.Kind.SPEND, source=source
    ).first()
    if done is not None:
        return done
    if account.is_frozen:
        raise PointsFrozen
    book = book_of(account, lots=lots_left(member_id=member_id))
    available = 0 if book.debt else free_points(book.lots, now)
    if points > available:
        raise NotEnoughPoints(available=available, wanted=points)
    movement = book.spend(PointsEntry.Kind.SPEND, points, source=source, at=now)
    return post_one(book, movement=movement)
