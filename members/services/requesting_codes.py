"""Ask for a one-time code by SMS or e-mail.

Nobody is looked up here, so known and unknown addresses cost and get the same; who
they belong to is asked when the code comes back (``members.services.signing_in``).
"""

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.allowances import Rate, Spending, spend
from crm.shared.blind_index import fingerprint
from crm.shared.errors import Refusal
from crm.shared.hints import hint_on_commit
from members.models import Member, SignInCode
from members.rules.identity import normalise_contact

DIGITS = 6
TRIES = 5
GOOD_FOR = timedelta(minutes=10)
#: A used or expired code is kept this long, for whoever asks why none came.
KEPT_FOR = timedelta(hours=1)
SEND_TASK = "members.tasks.send_sign_in_codes"

RESEND = Rate("code.resend", 1, timedelta(seconds=60))
PER_HOUR = Rate("code.hour", 5, timedelta(hours=1))
PER_DAY = Rate("code.day", 10, timedelta(days=1))
PER_CALLER = Rate("code.caller", 30, timedelta(hours=1))


class NoContact(Refusal):
    """Your profile has no such contact."""

    code = "no_contact"
    message = _("Your profile has no such contact. Add it first.")


def request_code(
    *,
    contact: str,
    caller: str,
    language: str = "",
    member_id: int | None = None,
    now: datetime,
) -> SignInCode:
    """Queue a code to a phone or an e-mail address and return its row.

    Not to be called inside a transaction, see ``crm.shared.allowances.spend``.

    Args:
        contact: a phone in E.164 or an e-mail address, checked by the caller.
        caller: who asks, as ``members.rules.devices.caller_of`` counts them.
        language: of the text.
        member_id: the signed-in member who wants to prove that it is theirs; None
            to sign in.
        now: aware.

    Raises:
        TooOften: this contact, this caller or the shop as a whole asked too often.
    """
    is_email = "@" in contact
    spend(_allowances(contact, caller, is_email=is_email), now=now)
    digits = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    code = SignInCode(
        member_id=member_id,
        channel=SignInCode.Channel.EMAIL if is_email else SignInCode.Channel.SMS,
        contact=contact,
        code=digits,
        tries_left=TRIES,
        language=language,
        created_at=now,
        expires_at=now + GOOD_FOR,
    )
    code.code_mark = code_mark(code_id=code.public_id, digits=digits)
    with transaction.atomic():
        code.save(force_insert=True)
        hint_on_commit(SEND_TASK)
    return code


def request_proof(
    *, member_id: int, channel: str, caller: str, now: datetime
) -> SignInCode:
    """Queue a code to the contact in a member's own profile.

    Raises:
        NoContact: the profile has none of this kind.
        TooOften: as in ``request_code``.
    """
    member = Member.objects.get(pk=member_id)
    is_email = channel == SignInCode.Channel.EMAIL
    contact = member.email if is_email else member.phone
    if not contact:
        raise NoContact
    return request_code(
        contact=contact,
        caller=caller,
        language=member.language,
        member_id=member.pk,
        now=now,
    )


def _allowances(contact: str, caller: str, *, is_email: bool) -> Spending:
    whose = normalise_contact(contact)
    wanted = [(RESEND, whose), (PER_HOUR, whose), (PER_DAY, whose)]
    if caller:
        wanted.append((PER_CALLER, caller))
    if not is_email:
        # Whoever pumps numbers by the thousand is paid for each SMS: a cap on all.
        most = settings.SMS_CODES_PER_HOUR
        wanted.append((Rate("code.sms", most, timedelta(hours=1)), "everybody"))
    return wanted


def code_mark(*, code_id: str, digits: str) -> bytes:
    """Return the keyed hash of a code, good for this one row."""
    return fingerprint(digits, f"members_signincode.code_mark|{code_id}")


def forget_old_codes(*, now: datetime) -> int:
    """Delete codes that ended an hour ago, with their addresses; return how many."""
    return SignInCode.objects.filter(expires_at__lte=now - KEPT_FOR).delete()[0]
