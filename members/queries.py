"""Questions about members that others ask."""

from django.conf import settings
from django.db.models import Q

from crm.shared.blind_index import blind_lookup, blind_tokens_lookup
from members.models import Consent, DataExport, Erasure, Member
from members.rules.identity import TAIL_DIGITS, normalise_phone
from members.rules.numbers import is_member_number


def has_consent(*, member_id: int, purpose: str, channel: str) -> bool:
    """Return whether the member's newest word on purpose and channel is yes.

    A word about the channel counts before one about any channel; silence is no.
    """
    spoken = {
        consent.channel: consent.granted
        for consent in current_consents(member_id=member_id)
        if consent.purpose == purpose
    }
    return spoken.get(channel, spoken.get(Consent.Channel.ANY, False))


def current_consents(*, member_id: int) -> list[Consent]:
    """Return the newest statement of each purpose and channel."""
    return list(
        Consent.objects.filter(member_id=member_id)
        .order_by("purpose", "channel", "-occurred_at", "-id")
        .distinct("purpose", "channel")
    )


def phone_is(text: str) -> Q:
    """Return the filter for the member with this phone, as typed in this shop."""
    phone = normalise_phone(text, settings.DEFAULT_REGION)
    return blind_lookup(Member, "phone_index", phone)


def email_is(text: str) -> Q:
    """Return the filter for the member with this e-mail address."""
    return blind_lookup(Member, "email_index", text)


def member_matches(text: str) -> Q:
    """Return the filter for what staff type into a search box.

    A member number, an e-mail address, a whole phone number, its last four digits,
    or part of a name in characters, pinyin or initials.
    """
    text = text.strip()
    if is_member_number(text.upper()):
        return Q(number=text.upper())
    if "@" in text:
        return email_is(text)
    digits = "".join(c for c in text if c.isdecimal())
    if digits and not any(c.isalpha() for c in text):
        if len(digits) == TAIL_DIGITS:
            return blind_lookup(Member, "phone_tail_index", digits)
        return phone_is(text)
    return blind_tokens_lookup(Member, "name_tokens", text)


def newest_export(*, member_id: int) -> DataExport | None:
    """Return the copy of their data that was last asked for, if any."""
    return DataExport.objects.filter(member_id=member_id).order_by("-id").first()


def standing_erasure(*, member_id: int) -> Erasure | None:
    """Return the erasure that was asked for and not called off, if any."""
    return (
        Erasure.objects.filter(member_id=member_id)
        .exclude(state=Erasure.State.CANCELLED)
        .first()
    )
