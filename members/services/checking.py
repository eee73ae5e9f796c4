"""Check what identifies and describes a person before it is kept."""

from collections.abc import Collection
from datetime import date

from django.conf import settings
from django.db import IntegrityError
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from members.models import Member
from members.queries import email_is, phone_is, unknown_interests
from members.rules.identity import normalise_phone
from members.rules.profile import (
    LONGEST_BIO,
    LONGEST_CITY,
    LONGEST_NICKNAME,
    MOST_INTERESTS,
    is_email,
    read_birthday,
    tidy_line,
    tidy_lines,
    tidy_name,
)

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


def checked_nickname(text: str) -> str:
    """Return a tidy nickname or refuse it."""
    return _line("nickname", text, LONGEST_NICKNAME)


def checked_city(text: str) -> str:
    """Return a tidy name of a city or refuse it."""
    return _line("city", text, LONGEST_CITY)


def checked_bio(text: str) -> str:
    """Return what a member says of themselves, tidy, or refuse it."""
    try:
        return tidy_lines(text, longest=LONGEST_BIO)
    except ValueError as error:
        raise BadProfile(field="bio") from error


def checked_choice(value: str, *, field: str) -> str:
    """Return one of a field's choices, ``""`` for nothing, or refuse it."""
    if value and value not in dict(Member._meta.get_field(field).choices):
        raise BadProfile(field=field)
    return value


def checked_interests(codes: Collection[str], *, kept: Collection[str]) -> list[str]:
    """Return codes of the vocabulary, sorted, each once, or refuse them.

    What the member chose before may stay, also when the word is gone by now.
    """
    wanted = set(codes)
    if len(wanted) > MOST_INTERESTS or unknown_interests(wanted - set(kept)):
        raise BadProfile(field="interests")
    return sorted(wanted)


def _line(field: str, text: str, longest: int) -> str:
    try:
        return tidy_line(text, longest=longest)
    except ValueError as error:
        raise BadProfile(field=field) from error


def set_birthday(*, member: Member, text: str, today: date) -> None:
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
