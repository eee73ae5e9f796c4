"""Part two members who were made one by mistake."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.collisions import in_transaction
from crm.shared.errors import Refusal
from crm.shared.outbox import record
from members.events import MergeUndone
from members.models import Member, Merge, User
from members.rules.merging import UNDO_DAYS, may_undo
from members.services.freezing import ReasonMissing
from members.services.merging import lock_pair, mark_of, swap_fields
from members.services.movers import MergeCase, Share, mergers


class UndoTooLate(Refusal):
    """A merge can be undone for %(days)s days only."""

    code = "merge_undo_too_late"
    message = _("A merge can be undone for %(days)s days only.")


class UndoLaterFirst(Refusal):
    """Who stayed was merged or erased since; undo that first."""

    code = "merge_undo_later_first"
    message = _("Who stayed was merged or erased since; undo that first.")


def preview_unmerge(*, merge_id: int, now: datetime) -> list[Share]:
    """Return what undoing a merge could not give back; writes nothing.

    Raises:
        UndoTooLate, UndoLaterFirst: as they say.
        Refusal: an app says that it must wait.
    """
    merge = Merge.objects.select_related("winner").get(pk=merge_id)
    _refuse(merge, merge.winner, now)
    case = MergeCase(merge.loser_id, merge.winner_id, merge.public_id, now)
    return [share for each in mergers() for share in each.staying(case, merge.moved)]


def undo_merge(
    *, merge_id: int, reason: str, actor: User | str, now: datetime
) -> Merge:
    """Give back everything the loser brought that is still there.

    Everything or nothing; asked again, nothing happens. Fields go back unless they
    were corrected since. The pair will not be proposed again.

    Raises:
        ReasonMissing: ``reason`` is empty.
        UndoTooLate, UndoLaterFirst: as they say.
        Refusal: an app says that it must wait.
    """
    if not reason.strip():
        raise ReasonMissing
    return in_transaction(
        lambda: _undo(merge_id, reason=reason.strip(), actor=actor, now=now)
    )


@transaction.atomic
def _undo(merge_id: int, *, reason: str, actor: User | str, now: datetime) -> Merge:
    merge = Merge.objects.get(pk=merge_id)
    case = MergeCase(merge.loser_id, merge.winner_id, merge.public_id, now)
    loser, winner = lock_pair(case)
    merge = Merge.objects.select_for_update().get(pk=merge_id)
    if merge.state == Merge.State.UNDONE:
        return merge
    _refuse(merge, winner, now)
    for merger in mergers():
        merger.give_back(case, merge.moved)
    Member.objects.filter(pk__in=merge.moved["absorbed"], merged_into=winner).update(
        merged_into=loser
    )
    loser.state, loser.merged_into = merge.loser_state, None
    back = [
        name
        for name, mark in merge.fields.items()
        if mark_of(winner, field=name) == mark
    ]
    swap_fields(one=loser, other=winner, fields=back)
    merge.state, merge.undone_at = Merge.State.UNDONE, now
    merge.save(update_fields=["state", "undone_at"])
    record_audit(
        actor=actor,
        action="members.unmerge",
        obj=winner,
        reason=reason,
        detail={"merge": merge.public_id, "loser": loser.public_id},
        now=now,
    )
    record(MergeUndone(merge_id=merge.pk, winner_id=winner.pk, loser_id=loser.pk))
    return merge


def _refuse(merge: Merge, winner: Member, now: datetime) -> None:
    if not may_undo(merge.merged_at, now):
        raise UndoTooLate(days=UNDO_DAYS)
    if winner.state in {Member.State.MERGED, Member.State.ERASED}:
        raise UndoLaterFirst
