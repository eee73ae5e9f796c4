"""Points that were spent on what is no order and come back to their lots (P20)."""

from datetime import datetime

from django.db import transaction

from loyalty.models import PointsEntry
from loyalty.queries.program import program
from loyalty.services.posting import book_of, locked_account, post_one
from loyalty.services.refund_points import load_lots


@transaction.atomic
def return_points(
    *, member_id: int, source: str, now: datetime, reason: str = "", actor: str = ""
) -> PointsEntry | None:
    """Give back all that a member spent for a cause, once, last taken first (P20).

    They never count as earned (P21), also where they were spent by a membership that
    was merged into this one.

    Args:
        source: the cause, as ``redeem_points`` was told.
        reason: why, for the member's history.
        actor: the name of who decided; empty for the member.

    Returns:
        The entry, the same one on every call; None where nothing was spent.
    """
    account = locked_account(member_id=member_id, now=now)
    mine = PointsEntry.objects.filter(account_id__in=account.accounts, source=source)
    entries = {entry.kind: entry for entry in mine}
    spent = entries.get(PointsEntry.Kind.SPEND)
    done = entries.get(PointsEntry.Kind.RETURN)
    if spent is None or done is not None:
        return done
    book = book_of(account)
    takes = load_lots(book, accounts=account.accounts, spent_for=source)
    movement = book.give_back(
        -spent.points,
        takes,
        source=source,
        now=now,
        grace=program().return_grace,
        reason=reason[:200],
        actor=actor[:80],
        reverses=spent.pk,
    )
    return post_one(book, movement=movement)
