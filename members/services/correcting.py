"""Change what is known about a member."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from members.models import Member, User
from members.queries import has_identity
from members.services.aliasing import email_alias
from members.services.checking import (
    AlreadyMember,
    checked_bio,
    checked_choice,
    checked_city,
    checked_email,
    checked_interests,
    checked_name,
    checked_nickname,
    checked_phone,
    given_twice,
    refuse_known,
    set_birthday,
)
from members.services.completing import review_completeness
from members.services.joining import NoAddress

_CHECKS = {
    "name": checked_name,
    "phone": checked_phone,
    "email": checked_email,
    "nickname": checked_nickname,
    "bio": checked_bio,
    "city": checked_city,
}
_CHOICES = ("gender", "occupation", "education")
_PLAIN = ("region", "language")
_FIELDS = (*_CHECKS, *_CHOICES, *_PLAIN, "birthday", "interests")


class StaleMember(Refusal):
    """Somebody changed this member meanwhile."""

    code = "version_conflict"
    status = 412
    message = _("Somebody changed this member meanwhile. Look again, then repeat.")


@transaction.atomic
def correct_member(
    *,
    member_id: int,
    changes: Mapping[str, Any],
    version: int | None = None,
    actor: User | str | None = None,
    reason: str = "",
    now: datetime,
) -> Member:
    """Change a member's profile; what is not named stays.

    A new e-mail address is also the one to sign in with from now on, unproved.

    Args:
        member_id: the member.
        changes: new values of name, phone, email, birthday (``1990-02-28``), gender,
            region, language, nickname, bio, city, occupation, education and interests
            (codes); ``None`` and what is empty clear.
        version: ``Member.version`` the caller saw; None overwrites whatever is there.
        actor: who of the staff did it: then the audit trail names the fields. None
            when members speak for themselves.
        reason: why, for the audit trail.
        now: when, aware.

    Raises:
        StaleMember: the member has another version by now.
        BadProfile: a value cannot be kept.
        AlreadyMember: phone or e-mail belong to another member.
        NoAddress: a member who signs in would lose the last address to do it with.
    """
    member = Member.objects.select_for_update().get(pk=member_id)
    if version is not None and member.version != version:
        raise StaleMember
    changed = _apply(member, changes, now=now)
    if not changed:
        return member
    refuse_known(member)
    member.version += 1
    try:
        with transaction.atomic():
            member.save(update_fields=[*changed, "version"])
            if {"email", "phone"} & set(changed):
                _move_login(member, new_phone="phone" in changed)
    except IntegrityError as error:
        raise AlreadyMember(field=given_twice(error)) from error
    review_completeness(member=member, now=now)
    if actor is not None:
        record_audit(
            actor=actor,
            action="members.correct",
            obj=member,
            reason=reason,
            detail=dict.fromkeys(changed, "changed"),
            now=now,
        )
    return member


def _apply(member: Member, changes: Mapping[str, Any], *, now: datetime) -> list[str]:
    before = {name: getattr(member, name) for name in _FIELDS}
    for name, value in changes.items():
        if name in _CHECKS:
            setattr(member, name, _CHECKS[name](value or ""))
        elif name == "birthday":
            set_birthday(member=member, text=value or "", today=now.date())
        elif name == "interests":
            chosen = checked_interests(value or [], kept=member.interests)
            member.interests = chosen
        elif name in _CHOICES:
            setattr(member, name, checked_choice(value or "", field=name))
        elif name in _PLAIN:
            setattr(member, name, value or "")
        else:
            raise TypeError(f"{name} of a member cannot be corrected here.")
    changed = [name for name in before if before[name] != getattr(member, name)]
    for contact in {"phone", "email"} & set(changed):
        # Whoever had proved the old one proved nothing about the new one.
        setattr(member, f"{contact}_verified_at", None)
        changed.append(f"{contact}_verified_at")
    return [*changed, "birth_month"] if "birthday" in changed else changed


def _move_login(member: Member, *, new_phone: bool) -> None:
    """Let the member's login follow the address; leave a way in."""
    if member.user_id is None:
        return
    # A phone nobody proved may be mistyped: it does not stand in for an address.
    reachable = member.phone and (new_phone or member.phone_verified_at)
    if not (member.email or reachable or has_identity(user_id=member.user_id)):
        raise NoAddress
    alias = email_alias(member.email) if member.email else ""
    if not User.objects.filter(pk=member.user_id).exclude(email=alias).exists():
        return
    User.objects.filter(pk=member.user_id).update(email=alias)
    addresses = EmailAddress.objects.filter(user_id=member.user_id)
    if not alias:
        addresses.delete()
    elif not addresses.update(email=alias, verified=False):
        EmailAddress.objects.create(user_id=member.user_id, email=alias, primary=True)


def renew_aliases(*, batch: int = 500) -> int:
    """Put every login under the alias of the newest index key; return how many moved.

    To be run before an old index key is dropped: who is left behind could no longer
    sign in. Safe to repeat and to interrupt.
    """
    moved, last = 0, 0
    while True:
        with transaction.atomic():
            members = list(
                Member.objects.filter(
                    pk__gt=last, user__isnull=False, email__isnull=False
                )
                .select_related("user")
                .select_for_update(of=("self",))
                .order_by("pk")[:batch]
            )
            for member in members:
                alias = email_alias(member.email)
                if member.user.email == alias:
                    continue
                User.objects.filter(pk=member.user_id).update(email=alias)
                EmailAddress.objects.filter(user_id=member.user_id).update(email=alias)
                moved += 1
        if not members:
            return moved
        last = members[-1].pk
