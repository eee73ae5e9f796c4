"""Unlink what a member signs in with elsewhere; never the last way in."""

from datetime import datetime

from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from members.models import Member
from members.rules.identities import identity_id


class NoSuchIdentity(Refusal):
    """This account is not linked to yours."""

    code = "not_found"
    status = 404
    message = _("This account is not linked to yours.")


class LastWayIn(Refusal):
    """You could not sign in any more."""

    code = "last_way_in"
    message = _(
        "You could not sign in any more. Add a phone or an e-mail address first."
    )


@transaction.atomic
def unlink_identity(*, user_id: int, identity: str, now: datetime) -> None:
    """Unlink an account elsewhere, such as WeChat, from a login.

    The member's row is the lock: of two who unlink the last two at the same time
    one is refused. An address and a proved phone are ways in: a code can be sent there.

    Args:
        user_id: the login.
        identity: as ``members.rules.identities.identity_id`` names it.
        now: aware.

    Raises:
        NoSuchIdentity: nothing like that is linked.
        LastWayIn: there is no other way to sign in.
    """
    member = Member.objects.select_for_update().get(user_id=user_id)
    accounts = list(SocialAccount.objects.filter(user_id=user_id))
    wanted = [
        each for each in accounts if identity_id(each.provider, each.uid) == identity
    ]
    if not wanted:
        raise NoSuchIdentity
    if len(accounts) == len(wanted) and not (member.email or member.phone_verified_at):
        raise LastWayIn
    SocialAccount.objects.filter(pk__in=[each.pk for each in wanted]).delete()
    record_audit(
        actor=member.user,
        action="members.unlink_identity",
        obj=member,
        detail={"provider": wanted[0].provider},
        now=now,
    )
