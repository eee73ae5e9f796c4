"""Who brought whom: codes to hand to friends, and joining with one."""

import secrets
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from crm.shared.outbox import record
from members.events import InvitationAccepted
from members.models import Invitation, InvitationCode, Member
from members.rules.invitations import CODE_ALPHABET, CODE_LENGTH, tidy_code


class UnknownInvitation(Refusal):
    """This invitation code is not valid."""

    code = "unknown_invitation"
    status = 422
    message = _("This invitation code is not valid.")


@transaction.atomic
def invitation_code_of(*, member_id: int, now: datetime) -> str:
    """Return the code a member invites with, made when first asked for.

    Drawn by chance: it tells neither the member's number nor how many there are.
    """
    kept, _made = InvitationCode.objects.get_or_create(
        member_id=member_id, defaults={"code": _new_code(), "created_at": now}
    )
    return kept.code


def inviter_of(code: str) -> Member:
    """Return the member whose code this is, as typed, if they may order.

    The code of a merged member brings friends to the one they were merged into.

    Raises:
        UnknownInvitation: nobody's.
    """
    tidy = tidy_code(code)
    holders = Member.objects.select_related("merged_into")
    holder = holders.filter(invitation_code__code=tidy).first() if tidy else None
    inviter = holder and (holder.merged_into or holder)
    if not inviter or not inviter.may_spend:
        raise UnknownInvitation
    return inviter


@transaction.atomic
def accept_invitation(*, member_id: int, code: str, now: datetime) -> Invitation:
    """Write down who brought a new member and publish InvitationAccepted, once.

    Only ``join`` calls this: who is a member already was not brought by anybody.
    Calling again returns the first invitation, whatever the code.

    Raises:
        UnknownInvitation: nobody's code, or the member's own.
    """
    done = Invitation.objects.filter(invitee_id=member_id).first()
    if done:
        return done
    inviter = inviter_of(code)
    if inviter.pk == member_id:
        raise UnknownInvitation
    invitation = Invitation.objects.create(
        inviter=inviter, invitee_id=member_id, accepted_at=now
    )
    record(InvitationAccepted(inviter_id=inviter.pk, invitee_id=member_id))
    return invitation


def _new_code() -> str:
    return "".join(secrets.choice(CODE_ALPHABET) for _sign in range(CODE_LENGTH))
