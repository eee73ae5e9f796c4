"""Points that leave an account all at once: spent on what is no order, or taken."""

from datetime import datetime

from crm.shared.planned import planned_cursor
from loyalty.models import PointsEntry
from loyalty.services.posting import NotEnoughPoints, PointsFrozen

#: Locks the account, chooses lots and writes, all in one round trip.
_TAKE = """
SELECT answer, entry, number, net, available
  FROM loyalty_take_points(%s, %s, %s, %s, %s, %s, %s, %s)
"""


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

    One round trip, in the caller's transaction or in one of its own. Calling again with
    the same ``kind`` and ``source`` returns the first entry.

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
    entry = PointsEntry(
        account_id=member_id,
        kind=kind,
        points=-points,
        source=source,
        reason=reason,
        actor=actor,
        occurred_at=now,
    )
    with planned_cursor() as cursor:
        cursor.execute(
            _TAKE,
            [member_id, points, kind, source, now, reason, actor, entry.public_id],
        )
        answer, entry.pk, entry.seq, entry.balance_after, available = cursor.fetchone()
    if answer == "done":
        return PointsEntry.objects.get(pk=entry.pk), False
    if answer == "frozen":
        raise PointsFrozen
    if answer == "too few":
        raise NotEnoughPoints(available=available, wanted=points)
    entry._state.adding = False
    return entry, True


def entry_of(*, member_id: int, kind: str, source: str) -> PointsEntry | None:
    """Return what a cause did to an account already; see ``take_points``."""
    return PointsEntry.objects.filter(
        account_id=member_id, kind=kind, source=source
    ).first()
