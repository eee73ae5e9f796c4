"""Sign in, or join, with a one-time code; prove a phone or an e-mail address."""

import hmac
from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from crm.shared.allowances import Rate, spend
from crm.shared.errors import Refusal
from members.models import Member, SignInCode, User
from members.queries import contact_is, has_identity
from members.rules.claims import Claim, claim_of
from members.rules.lifecycle import ENDED
from members.services.checking import AlreadyMember
from members.services.correcting import correct_member
from members.services.devices import end_sessions
from members.services.joining import join, open_login
from members.services.requesting_codes import code_mark

#: Codes one caller may try, right or wrong, whatever sessions they invent.
GUESSES = Rate("code.guess", 20, timedelta(minutes=10))
#: Who takes an unproved contact off a membership, for the audit trail.
ACTOR = "members.sign_in"
_VERIFIED = {"sms": "phone_verified_at", "email": "email_verified_at"}
_CONTACT = {"sms": "phone", "email": "email"}


class WrongCode(Refusal):
    """This code is wrong, used or too old."""

    code = "incorrect_code"
    status = 422
    message = _("This code is wrong, used or too old. Ask for another one.")


class MembershipEnded(Refusal):
    """This membership has ended."""

    code = "membership_ended"
    status = 403
    message = _("This membership has ended. Ask the shop if you want it back.")


def sign_in_by_code(
    *,
    code_id: str,
    digits: str,
    caller: str,
    name: str = "",
    language: str = "",
    source: str,
    now: datetime,
) -> User:
    """Return the login of whoever proves a phone or address; join them if need be.

    Not to be called inside a transaction: a wrong try must count.

    Args:
        code_id: public id of the row that ``request_code`` returned.
        digits: what they typed.
        caller: who tries, as ``members.rules.devices.caller_of`` counts them.
        name: how a new member is called.
        language: of a new member.
        source: where a new member comes from.
        now: aware.

    Raises:
        WrongCode: wrong, used, too old, tried five times, or for another purpose.
        TooOften: this caller tried too many codes.
        MembershipEnded: it is right, and their membership was closed.
        BadProfile: ``name`` cannot be one.
    """
    code, contact = _checked(code_id, digits, caller, member_id=None, now=now)
    with transaction.atomic():
        _use_up(code, now)
        member = _enter(code.channel, contact, now)
        if member is None:
            member = _join(
                code.channel,
                contact,
                name=name,
                language=language,
                source=source,
                now=now,
            )
        _mark_proved(member, code.channel, now)
        return open_login(member_id=member.pk, phone_is_enough=True)


def prove_contact(
    *, member_id: int, code_id: str, digits: str, caller: str, now: datetime
) -> Member:
    """Mark a member's own phone or address as proved and return the member.

    Raises:
        WrongCode: as in ``sign_in_by_code``, or the contact was changed meanwhile.
        TooOften: this caller tried too many codes.
    """
    code, contact = _checked(code_id, digits, caller, member_id=member_id, now=now)
    with transaction.atomic():
        _use_up(code, now)
        member = (
            Member.objects.select_for_update()
            .filter(contact_is(contact), pk=member_id)
            .first()
        )
        if member is None:
            raise WrongCode
        _mark_proved(member, code.channel, now)
        return member


def mark_email_proved(*, user_id: int, now: datetime) -> None:
    """Mark the address of a login's member as proved, by a link that was followed."""
    Member.objects.filter(user_id=user_id, email_verified_at__isnull=True).update(
        email_verified_at=now
    )


def _checked(
    code_id: str, digits: str, caller: str, *, member_id: int | None, now: datetime
) -> tuple[SignInCode, str]:
    """Use up one try; return the code and its contact if the digits are right."""
    if caller:
        spend([(GUESSES, caller)], now=now)
    standing = SignInCode.objects.filter(public_id=code_id, member_id=member_id)
    taken = standing.filter(
        tries_left__gt=0, used_at__isnull=True, expires_at__gt=now
    ).update(tries_left=F("tries_left") - 1)
    # Compared also when there is nothing to find: right and wrong take as long.
    given = code_mark(code_id=code_id, digits=digits)
    code = standing.first()
    kept = bytes(code.code_mark) if code else b""
    right = hmac.compare_digest(given, kept)
    if not (taken and right and code and code.contact):
        raise WrongCode
    return code, code.contact


def _use_up(code: SignInCode, now: datetime) -> None:
    """Let the code be good once, however many come with it at the same time."""
    used = SignInCode.objects.filter(pk=code.pk, used_at__isnull=True).update(
        used_at=now, contact=None
    )
    if not used:
        raise WrongCode


def _enter(channel: str, contact: str, now: datetime) -> Member | None:
    """Return the membership that the proved contact opens, if there is one."""
    member = Member.objects.select_for_update().filter(contact_is(contact)).first()
    if member is None:
        return None
    if member.state in ENDED:
        raise MembershipEnded
    is_phone = channel == SignInCode.Channel.SMS
    other = SignInCode.Channel.EMAIL if is_phone else SignInCode.Channel.SMS
    linked = has_identity(user_id=member.user_id)
    claim = claim_of(
        is_phone=is_phone,
        verified=getattr(member, _VERIFIED[channel]) is not None,
        has_login=member.user_id is not None,
        proved_otherwise=linked or getattr(member, _VERIFIED[other]) is not None,
        way_in_left=linked or bool(getattr(member, _CONTACT[other])),
    )
    if claim is Claim.RELEASE:
        correct_member(
            member_id=member.pk,
            changes={_CONTACT[channel]: ""},
            actor=ACTOR,
            reason="Somebody else proved that it is theirs.",
            now=now,
        )
        return None
    if claim is Claim.OUST:
        _oust(member)
    return member


def _oust(member: Member) -> None:
    """Close every way in that somebody set up who never proved the address."""
    user = User.objects.get(pk=member.user_id)
    user.set_unusable_password()
    user.save(update_fields=["password"])
    Authenticator.objects.filter(user=user).delete()
    end_sessions(user_id=user.pk)


def _join(channel: str, contact: str, **known: Any) -> Member:
    try:
        return join(**{_CONTACT[channel]: contact}, **known)
    except AlreadyMember:
        # A second code of theirs was faster by a moment.
        return Member.objects.select_for_update().get(contact_is(contact))


def _mark_proved(member: Member, channel: str, now: datetime) -> None:
    if getattr(member, _VERIFIED[channel]) is None:
        setattr(member, _VERIFIED[channel], now)
        member.save(update_fields=[_VERIFIED[channel]])
    if channel == SignInCode.Channel.EMAIL:
        EmailAddress.objects.filter(user__member=member).update(verified=True)
