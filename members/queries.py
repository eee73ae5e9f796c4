"""Questions about members that others ask."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Q

from crm.shared.blind_index import blind_lookup, blind_tokens_lookup
from members.models import Consent, ConsentRequest, ConsentText, Member
from members.rules.consent import ASKED, is_granted
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
    return is_granted(spoken, channel)


def current_consents(*, member_id: int) -> list[Consent]:
    """Return the newest statement of each purpose and channel."""
    return list(
        Consent.objects.filter(member_id=member_id)
        .order_by("purpose", "channel", "-occurred_at", "-id")
        .distinct("purpose", "channel")
    )


def consent_text(
    *, purpose: str, language: str, version: str = ""
) -> ConsentText | None:
    """Return the text of a purpose: this version, or the one asked with now.

    In ``language`` when it is there, else in any other; None when nothing was
    published.
    """
    texts = ConsentText.objects.filter(purpose=purpose)
    if version:
        texts = texts.filter(version=version)
    newest = texts.order_by("-published_at", "-id")
    return newest.filter(language=language).first() or newest.first()


def open_requests(*, member_id: int, at: datetime) -> list[ConsentRequest]:
    """Return the consents that wait for their link to be followed."""
    return list(
        ConsentRequest.objects.filter(
            member_id=member_id, confirmed_at__isnull=True, expires_at__gt=at
        ).order_by("purpose", "channel")
    )


def text_with_digest(digest: bytes) -> ConsentText | None:
    """Return the text a consent kept the fingerprint of."""
    return ConsentText.objects.filter(digest=digest).first()


@dataclass(frozen=True, slots=True)
class AskedConsent:
    """One box of the preference page: what is asked, and how it stands."""

    purpose: str
    channel: str
    purpose_label: str
    channel_label: str
    text: str
    granted: bool
    waits: bool

    @property
    def name(self) -> str:
        """Return the name of the box in the form."""
        return f"{self.purpose}.{self.channel}"


def asked_consents(
    *, member_id: int, language: str, at: datetime
) -> list[AskedConsent]:
    """Return what the preference page shows; purposes without a text are not asked.

    Args:
        member_id: the member.
        language: language of the texts, where they are there in it.
        at: when, aware: a request that grew old does not wait any more.
    """
    spoken: dict[str, dict[str, bool]] = {}
    for row in current_consents(member_id=member_id):
        spoken.setdefault(row.purpose, {})[row.channel] = row.granted
    waiting = {
        (request.purpose, request.channel)
        for request in open_requests(member_id=member_id, at=at)
    }
    texts = {
        purpose: consent_text(purpose=purpose, language=language)
        for purpose in dict.fromkeys(purpose for purpose, _channel in ASKED)
    }
    return [
        AskedConsent(
            purpose=purpose,
            channel=channel,
            purpose_label=str(Consent.Purpose(purpose).label),
            channel_label=str(Consent.Channel(channel).label),
            text=text.body,
            granted=is_granted(spoken.get(purpose, {}), channel),
            waits=(purpose, channel) in waiting,
        )
        for purpose, channel in ASKED
        if (text := texts[purpose]) is not None
    ]


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
