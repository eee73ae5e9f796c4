"""Questions about members that others ask."""

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Coalesce

from crm.shared.blind_index import blind_lookup, blind_tokens_lookup
from members.models import Consent, Member, User
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


def member_of(user: User) -> Member | None:
    """Return the member a login opens: after a merge, whoever stayed."""
    member = getattr(user, "member", None)
    return member.merged_into if member and member.merged_into_id else member


def standing_id(member_id: int) -> int:
    """Return who a member is now: after a merge, the primary key of who stayed."""
    row = Member.objects.filter(pk=member_id).values_list("merged_into_id", flat=True)
    return row.first() or member_id


def or_who_stayed(condition: Q) -> Q:
    """Return the filter for who meets ``condition``, after a merge for who stayed.

    For conditions few members meet, such as a number or a phone.
    """
    found = Member.objects.filter(condition)
    return Q(pk__in=found.values_list(Coalesce("merged_into_id", "pk"), flat=True))


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
        return or_who_stayed(Q(number=text.upper()))
    if "@" in text:
        return or_who_stayed(email_is(text))
    digits = "".join(c for c in text if c.isdecimal())
    if digits and not any(c.isalpha() for c in text):
        if len(digits) == TAIL_DIGITS:
            return blind_lookup(Member, "phone_tail_index", digits)
        return or_who_stayed(phone_is(text))
    return blind_tokens_lookup(Member, "name_tokens", text)
