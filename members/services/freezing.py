"""Move a membership from state to state, with a reason."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.outbox import record
from members.events import MemberStateChanged
from members.models import LifecycleChange, Member, User
from members.rules.lifecycle import ENDED, may_move, staff_moves
from members.services.devices import end_sessions

_LONGEST_REASON = 200


class MoveNotAllowed(Refusal):
    """A membership cannot go from here to there."""

    code = "member_move_not_allowed"
    message = _("A membership that is %(state)s cannot become %(to)s.")


class ReasonMissing(Refusal):
    """Say why."""

    code = "reason_missing"
    status = 422
    message = _("Say why.")


@transaction.atomic
def move_member(
    *, member_id: int, to: str, reason: str, actor: User | str, now: datetime
) -> Member:
    """Freeze, open or close a membership; ledger and audit trail keep who and why.

    Frozen members may still read; closing ends their sessions. A membership that is
    in state ``to`` already is returned untouched.

    Raises:
        MoveNotAllowed: ``members.rules.lifecycle`` lets nobody choose this move.
        ReasonMissing: ``reason`` is empty.
    """
    if not reason.strip():
        raise ReasonMissing
    member = Member.objects.select_for_update().get(pk=member_id)
    if member.state == to:
        return member
    if to not in staff_moves(member.state):
        raise MoveNotAllowed(state=member.state, to=to)
    record_audit(
        actor=actor,
        action="members.move",
        obj=member,
        reason=reason,
        detail={"from": member.state, "to": to},
        now=now,
    )
    change_state(member, to=to, reason=reason, actor=actor, now=now)
    return member


@transaction.atomic
def change_state(
    member: Member, *, to: str, reason: str, actor: User | str | None, now: datetime
) -> LifecycleChange:
    """Move a locked membership, write the ledger, publish MemberStateChanged.

    For services that do more than move (merging, erasing, waking) and record in the
    audit trail themselves; staff come through ``move_member``.

    Args:
        member: its row, locked by the caller's transaction.
        reason: at most 200 characters are kept, for good: it must name nobody.
        actor: the login, the name of a program, or None for the system.

    Raises:
        MoveNotAllowed: ``members.rules.lifecycle`` knows no such move.
    """
    if not may_move(member.state, to):
        raise MoveNotAllowed(state=member.state, to=to)
    change = LifecycleChange.objects.create(
        member=member,
        from_state=member.state,
        to_state=to,
        reason=reason.strip()[:_LONGEST_REASON],
        actor=actor_name(actor),
        occurred_at=now,
    )
    member.state = to
    member.version += 1
    member.save(update_fields=["state", "version"])
    if to in ENDED and member.user_id:
        end_sessions(user_id=member.user_id)
    record(state_changed(change))
    return change


def state_changed(change: LifecycleChange) -> MemberStateChanged:
    """Return the fact that tells of a change."""
    return MemberStateChanged(
        member_id=change.member_id,
        change_id=change.pk,
        from_state=change.from_state,
        to_state=change.to_state,
    )


def actor_name(actor: Any) -> str:
    """Return how ledgers name who acted."""
    if actor is None or isinstance(actor, str):
        return actor or "system"
    return actor.get_username()
