"""Make somebody a member."""

from datetime import date, datetime

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from crm.shared.outbox import record
from members.events import MemberJoined
from members.models import Member, User
from members.queries import email_is, phone_is
from members.rules.identity import normalise_phone
from members.rules.profile import is_email, read_birthday, tidy_name
from members.services.aliasing import email_alias
from members.services.numbering import next_numbers

#: Unique column or constraint -> what was given twice.
_IDENTIFIERS = {
    "phone_index": "phone",
    "email_index": "email",
    "member_once_per_external_id": "external_id",
    "user_id": "login",
}


class AlreadyMember(Refusal):
    """Somebody is a member under this identifier already."""

    code = "already_member"
    message = _("Somebody is a member under this identifier already.")


class BadProfile(Refusal):
    """This value cannot be kept."""

    code = "invalid_profile"
    status = 422
    message = _("The value of %(field)s cannot be kept.")


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
        now: when they joined, aware.

    Raises:
        AlreadyMember: phone, e-mail, external id or login belongs to a member; the
            parameter ``field`` says which.
        BadProfile: name, phone, e-mail or birthday cannot be one.
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
    set_birthday(member, birthday, today=now.date())
    refuse_known(member)
    (member.number,) = next_numbers(1)
    try:
        with transaction.atomic():
            member.save(force_insert=True)
    except IntegrityError as error:
        raise AlreadyMember(field=given_twice(error)) from error
    record(MemberJoined(member_id=member.pk, source=source))
    return member


@transaction.atomic
def open_login(*, member_id: int) -> User:
    """Give a member a login without a password and return it.

    The member then asks for a new password, which only reaches who reads the mail:
    this is how imported members come in. Calling again returns the same login.

    Raises:
        NoAddress: the member has no e-mail address.
    """
    member = Member.objects.select_for_update().get(pk=member_id)
    if member.user_id:
        return member.user
    if not member.email:
        raise NoAddress
    alias = email_alias(member.email)
    user = User(username=alias.partition("@")[0], email=alias)
    user.set_unusable_password()
    user.save(force_insert=True)
    EmailAddress.objects.create(user=user, email=alias, primary=True)
    member.user = user
    member.save(update_fields=["user"])
    return user


def refuse_known(member: Member) -> None:
    """Refuse a phone or e-mail of another member, under every index key.

    Raises:
        AlreadyMember: there is one.
    """
    others = Member.objects.exclude(pk=member.pk)
    if member.phone and others.filter(phone_is(member.phone)).exists():
        raise AlreadyMember(field="phone")
    if member.email and others.filter(email_is(member.email)).exists():
        raise AlreadyMember(field="email")


def given_twice(error: IntegrityError) -> str:
    """Return which identifier a unique constraint refused.

    Raises:
        IntegrityError: the error was another one.
    """
    constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "")
    for part, field in _IDENTIFIERS.items():
        if part in (constraint or ""):
            return field
    raise error


def checked_name(text: str) -> str:
    """Return a tidy name or refuse it."""
    try:
        return tidy_name(text)
    except ValueError as error:
        raise BadProfile(field="name") from error


def checked_phone(text: str) -> str:
    """Return a phone in E.164, ``""`` for nothing, or refuse it."""
    if not text.strip():
        return ""
    phone = normalise_phone(text, settings.DEFAULT_REGION)
    if not phone:
        raise BadProfile(field="phone")
    return phone


def checked_email(text: str) -> str:
    """Return an e-mail without space around, ``""`` for nothing, or refuse it."""
    email = text.strip()
    if email and not is_email(email):
        raise BadProfile(field="email")
    return email


def set_birthday(member: Member, text: str, *, today: date) -> None:
    """Set birthday and its month; ``""`` clears both.

    Raises:
        BadProfile: no such day.
    """
    try:
        day = read_birthday(text, today=today) if text else None
    except ValueError as error:
        raise BadProfile(field="birthday") from error
    member.birthday = day.isoformat() if day else None
    member.birth_month = day.month if day else None
