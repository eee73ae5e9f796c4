"""Points that leave an account all at once: spent on what is no order, or taken."""

from collections.abc import Collection
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from crm.shared.flushing import flush_after_commit
from crm.shared.planned import planned_cursor
from loyalty.models import PointsEntry
from loyalty.services.posting import NotEnoughPoints, PointsFrozen
from members.rules.lifecycle import states_that

#: Locks the account, chooses lots and writes, all in one round trip.
_TAKE = """
SELECT answer, entry, number, net, available, awaited
  FROM loyalty_take_points(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, true)
"""
#: The states that may spend, as PostgreSQL writes an array.
_SPENDERS = f"{{{','.join(states_that('spend'))}}}"


class MemberMayNotRedeem(Refusal):
    """This membership cannot spend points at the moment."""

    code = "member_not_active"
    message = _("This membership cannot spend points at the moment.")


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

    Raises:
        MemberMayNotRedeem: the membership is frozen or over (P14).
    """
    entry, _is_new = take_points(
        member_id=member_id,
        kind=PointsEntry.Kind.SPEND.value,
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
    reason_code: str = "",
    reason: str = "",
    actor: str = "",
) -> tuple[PointsEntry, bool]:
    """Take points out, first to end first; all or nothing (P11, P12).

    One round trip, in the caller's transaction or in one of its own. Calling again with
    the same ``kind`` and ``source`` returns the first entry, also after a merge (P4).

    Args:
        kind: what the entry says they are, a ``PointsEntry.Kind``. A ``spend`` asks
            whether the membership may; what staff take does not.
        points: whole points, > 0.
        source: what they went for; at most 80 characters.
        reason_code: a ``ReasonCode`` where staff take them (P27).
        reason: why, for the member's history.
        actor: the name of who took them; empty for the member.

    Returns:
        The entry, and whether it is new.

    Raises:
        NotEnoughPoints: fewer are available.
        PointsFrozen: the account is frozen (P14).
        MemberMayNotRedeem: the membership may not spend (P14).
    """
    if points <= 0:
        raise ValueError("points must be > 0.")
    entry = PointsEntry(
        account_id=member_id,
        kind=kind,
        points=-points,
        source=source,
        reason_code=reason_code,
        reason=reason,
        actor=actor,
        occurred_at=now,
    )
    spenders = _SPENDERS if kind == PointsEntry.Kind.SPEND else None
    asked = [member_id, points, kind, source, now, reason, actor, entry.public_id]
    with planned_cursor() as cursor:
        cursor.execute(_TAKE, [*asked, spenders, reason_code])
        answer, entry.pk, *made, available, awaited = cursor.fetchone()
    entry.seq, entry.balance_after = made
    if awaited or answer == "done":
        # Whoever did it, now or before, did not wait for the disk.
        flush_after_commit()
    if answer == "done":
        return PointsEntry.objects.get(pk=entry.pk), False
    if answer != "taken":
        raise _refusal(answer, available=available, wanted=points)
    entry._state.adding = False
    return entry, True


def _refusal(answer: str, *, available: int, wanted: int) -> Refusal:
    """Return what the database's word for it means."""
    if answer == "may not":
        return MemberMayNotRedeem()
    if answer == "frozen":
        return PointsFrozen()
    return NotEnoughPoints(available=available, wanted=wanted)


def entry_of(
    *, accounts: Collection[int], kind: str, source: str
) -> PointsEntry | None:
    """Return what a cause did already in accounts, merged ones too (P4).

    Args:
        accounts: ``PointsAccount.accounts`` of a locked one.
    """
    return PointsEntry.objects.filter(
        account_id__in=accounts, kind=kind, source=source
    ).first()
