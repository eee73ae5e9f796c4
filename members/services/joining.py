"""Make somebody a member."""

import secrets
from datetime import datetime

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from crm.shared.outbox import record
from members.events import MemberJoined
from members.models import Member, User
from members.services.aliasing import email_alias
from members.services.checking import (
    AlreadyMember,
    checked_email,
    checked_name,
    checked_phone,
    given_twice,
    refuse_known,
    set_birthday,
)
from members.services.inviting import accept_invitation
from members.services.numbering import next_numbers


class NoAddress(Refusal):
    """This member has no e-mail address to sign in with."""

    code = "no_address"
    message = _("This member has no e-mail address to sign in with.")


@transaction.atomic
def join(
    *,
    name: str = "",
    phone: str = "",
    email: str = "",
    source: str,
    channel: str = "",
    external_id: str | None = None,
    language: str = "zh-hans",
    birthday: str = "",
    gender: str = "",
    region: str = "",
    user: User | None = None,
    is_demo: bool = False,
    invitation_code: str = "",
    is_new: bool = True,
    now: datetime,
) -> Member:
    """Make somebody a member, give them a number and publish MemberJoined.

    Args:
        phone: as typed; kept in E.164.
        email: as typed; kept as typed but for space around it.
        source: where they came from, such as ``storefront``.
        channel: sales channel, when the source has several; kept as ``source:channel``.
        external_id: their number at the source, unique there.
        birthday: ``1990-02-28``.
        user: their login.
        invitation_code: code of the member who brought them, as typed.
        is_new: no for who was a member elsewhere and gets no welcome.
        now: when they joined, aware.

    Raises:
        AlreadyMember: phone, e-mail, external id or login belongs to a member; the
            parameter ``field`` says which.
        BadProfile: name, phone, e-mail or birthday cannot be one.
        UnknownInvitation: the code is nobody's.
    """
    member = Member(
        name=checked_name(name),
        phone=checked_phone(phone),
        email=checked_email(email),
        gender=gender,
        region=region,
        language=language,
        source=f"{source}:{channel}" if channel else source,
        external_id=external_id or None,
        user=user,
        is_demo=is_demo,
        joined_at=now,
    )
    set_birthday(member=member, text=birthday, today=now.date())
    refuse_known(member)
    _write(member)
    record(MemberJoined(member.pk, source, is_new))
    if invitation_code:
        accept_invitation(member_id=member.pk, code=invitation_code, now=now)
    return member


def _write(member: Member) -> None:
    """Keep a new member under a fresh number."""
    (member.number,) = next_numbers(1)
    try:
        with transaction.atomic():
            member.save(force_insert=True)
    except IntegrityError as error:
        raise AlreadyMember(field=given_twice(error)) from error


@transaction.atomic
def open_login(*, member_id: int, phone_is_enough: bool = False) -> User:
    """Give a member a login without a password and return it.

    The member then asks for a new password, which only reaches who reads the mail:
    this is how imported members come in. Calling again returns the same login.

    Args:
        member_id: the member.
        phone_is_enough: also for members without e-mail; they sign in by code.

    Raises:
        NoAddress: the member has no e-mail address, or nothing at all.
    """
    member = Member.objects.select_for_update().get(pk=member_id)
    if member.user_id:
        return member.user
    if not (member.email or (phone_is_enough and member.phone)):
        raise NoAddress
    alias = email_alias(member.email) if member.email else ""
    # Not made from the address: that may move to another member one day.
    user = User(username=f"member-{secrets.token_hex(16)}", email=alias)
    user.set_unusable_password()
    user.save(force_insert=True)
    if alias:
        EmailAddress.objects.create(
            user=user,
            email=alias,
            primary=True,
            verified=member.email_verified_at is not None,
        )
    member.user = user
    member.save(update_fields=["user"])
    return user
