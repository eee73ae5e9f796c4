"""Move a membership from state to state, with a reason."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from members.models import Member, User
from members.rules.lifecycle import ENDED, may_move
from members.services.devices import end_sessions


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
    """Freeze, thaw or close a membership; the audit trail keeps who and why.

    Frozen members may still read; closing ends their sessions. A membership that is
    in state ``to`` already is returned untouched.

    Raises:
        MoveNotAllowed: ``members.rules.lifecycle`` knows no such move.
        ReasonMissing: ``reason`` is empty.
    """
    if not reason.strip():
        raise ReasonMissing
    member = Member.objects.select_for_update().get(pk=member_id)
    if member.state == to:
        return member
    if not may_move(member.state, to):
        raise MoveNotAllowed(state=member.state, to=to)
    record_audit(
        actor=actor,
        action="members.move",
        obj=member,
        reason=reason,
        detail={"from": member.state, "to": to},
        now=now,
    )
    member.state = to
    member.version += 1
    member.save(update_fields=["state", "version"])
    if to in ENDED and member.user_id:
        end_sessions(user_id=member.user_id)
    return member
