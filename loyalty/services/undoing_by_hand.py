"""Entries that staff undo: large ones wait for a second person (P27)."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum
from django.db.models.functions import Abs

from crm.shared.approvals import approval_of, ask_for_approval
from crm.shared.models import Approval
from loyalty.models import PointsAccount, PointsEntry
from loyalty.services.adjusting_by_hand import WINDOW, refuse_without_reason
from loyalty.services.posting import locked_account
from loyalty.services.revoking import (
    holder_of,
    preview_revocation,
    refuse_late,
    reinstate_points,
    revoke_entry,
)
from members.models import User

#: Kind of approval; see ``crm.wiring.APPROVALS``.
KIND = "loyalty.undo"


@transaction.atomic
def undo_by_hand(
    *,
    entry_id: int,
    reason_code: str,
    reason: str,
    author: User,
    source: str,
    now: datetime,
) -> PointsEntry | Approval:
    """Revoke an entry, or reinstate an expiry; or ask somebody else to agree.

    Two people are needed where the sum of 24 hours, undone by this login for this
    member, exceeds ``settings.STAFF_POINTS_LIMIT``. Counted under the lock of the
    account. Called again with ``source`` it returns what came of it first.

    Args:
        reason_code: a ``ReasonCode``.
        reason: the note.
        source: names the request; at most 70 characters.

    Raises:
        ReasonMissing: no code of the list, or no note (P27).
        NotRevocable, AlreadyRevoked, NotReinstatable, AlreadyReinstated: as they say.
    """
    refuse_without_reason(reason_code, note=reason)
    entry = PointsEntry.objects.select_related("account__member").get(pk=entry_id)
    locked_account(member_id=holder_of(entry), now=now)
    source = f"undo:{source}"
    waiting = approval_of(kind=KIND, source=source)
    if waiting is not None:
        return waiting
    if not needs_approval(entry, author=author, now=now):
        return undo(
            entry, reason_code=reason_code, reason=reason, actor=author, now=now
        )
    refuse(entry, now=now)
    return ask_for_approval(
        kind=KIND,
        params={
            "entry": entry.pk,
            "points": abs(entry.points),
            "reason_code": reason_code,
            "deed": "reinstate" if is_expiry(entry) else "revoke",
        },
        subject=entry.account.member.number,
        reason=reason,
        author=author,
        source=source,
        now=now,
    )


def undo(
    entry: PointsEntry, *, reason_code: str, reason: str, actor: User, now: datetime
) -> PointsEntry:
    """Reinstate what expired, revoke everything else."""
    verb = reinstate_points if is_expiry(entry) else revoke_entry
    return verb(
        entry_id=entry.pk,
        reason_code=reason_code,
        reason=reason,
        actor=actor,
        now=now,
    )


def refuse(entry: PointsEntry, *, now: datetime) -> None:
    """Refuse what could not be undone now; writes nothing.

    Raises:
        as ``undo_by_hand``.
    """
    if is_expiry(entry):
        refuse_late(entry, now=now)
    else:
        preview_revocation(entry, now=now)


def needs_approval(entry: PointsEntry, *, author: User, now: datetime) -> bool:
    """Whether an entry, and what was undone lately, is too much for one person.

    What was undone before a merge counts. Without the account's lock it is a preview.
    """
    account = PointsAccount.objects.get(pk=holder_of(entry))
    lately = PointsEntry.objects.filter(
        Q(source__startswith="revoke:") | Q(source__startswith="reinstate:"),
        account_id__in=account.accounts,
        actor=author.get_username()[:80],
        occurred_at__gt=now - WINDOW,
    ).aggregate(sum=Sum(Abs("points")))["sum"]
    return (lately or 0) + abs(entry.points) > settings.STAFF_POINTS_LIMIT


def is_expiry(entry: PointsEntry) -> bool:
    """Whether undoing it brings expired points back."""
    return entry.kind == PointsEntry.Kind.EXPIRE
