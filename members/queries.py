"""Questions about members that others ask."""

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from crm.shared.blind_index import blind_lookup, blind_tokens_lookup
from members.models import (
    Address,
    AttributeDefinition,
    AttributeValue,
    Avatar,
    Consent,
    ConsentRequest,
    ConsentText,
    DataExport,
    Erasure,
    Interest,
    LifecycleChange,
    Member,
    PaymentInstrument,
    Session,
    User,
)
from members.rules.completeness import WEIGHTS, completeness
from members.rules.consent import ASKED, agreed_purposes, is_granted
from members.rules.identities import identity_id
from members.rules.identity import TAIL_DIGITS, normalise_phone
from members.rules.lifecycle import TABLE
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


def instruments_of(*, member_id: int) -> list[PaymentInstrument]:
    """Return the instruments a member has bound, newest first, with their standing."""
    return list(
        PaymentInstrument.objects.bound()
        .filter(member_id=member_id)
        .with_standing()
        .order_by("-pk")
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


def contact_is(text: str) -> Q:
    """Return the filter for the member with this phone or e-mail address."""
    return email_is(text) if "@" in text else phone_is(text)


def has_identity(*, user_id: int | None) -> bool:
    """Return whether a login is linked to an account elsewhere, such as WeChat."""
    return SocialAccount.objects.filter(user_id=user_id).exists()


def ways_in(*, member: Member) -> dict[str, Any]:
    """Return how a member can sign in; linked accounts under opaque names."""
    accounts = SocialAccount.objects.filter(user_id=member.user_id).order_by("id")
    passkeys = Authenticator.objects.filter(
        user_id=member.user_id, type=Authenticator.Type.WEBAUTHN
    )
    return {
        "data": [
            {
                "id": identity_id(each.provider, each.uid),
                "provider": each.provider,
                "linked_at": each.date_joined,
            }
            for each in accounts
        ],
        "password": member.user is not None and member.user.has_usable_password(),
        "passkeys": passkeys.count(),
        "phone_verified_at": member.phone_verified_at,
        "email_verified_at": member.email_verified_at,
    }


def open_sessions(*, user_id: int, now: datetime, most: int = 100) -> list[Session]:
    """Return the sessions of a login that are not over, last used first."""
    return list(
        Session.objects.filter(user_id=user_id, expire_date__gt=now, ends_at__gt=now)
        .defer("session_data")
        .order_by("-seen_at", "-id")[:most]
    )


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


def state_at(*, member_id: int, at: datetime) -> str:
    """Return the state a membership was in at a moment, by its ledger; one query."""
    changes = LifecycleChange.objects.filter(member_id=OuterRef("pk"))
    before = changes.filter(occurred_at__lte=at).order_by("-occurred_at", "-id")
    after = changes.order_by("occurred_at", "id")
    then = Coalesce(
        Subquery(before.values("to_state")[:1]),
        Subquery(after.values("from_state")[:1]),
        "state",
    )
    return Member.objects.values_list(then, flat=True).get(pk=member_id)


def could_earn(*, member_id: int, at: datetime) -> bool:
    """Return whether orders paid at that moment bring a member points.

    Looking at that moment, and not at today, gives the same answer however late and
    however often it is asked (X2).
    """
    return TABLE[state_at(member_id=member_id, at=at)].earn


def who_could_earn(*, member_ids: Collection[int]) -> Callable[[int, datetime], bool]:
    """Return ``could_earn`` for many members, who are read in two statements."""
    members = Member.objects.filter(pk__in=member_ids)
    states = dict(members.values_list("pk", "state"))
    changes: dict[int, list[LifecycleChange]] = defaultdict(list)
    ordered = LifecycleChange.objects.filter(member_id__in=member_ids)
    for change in ordered.order_by("occurred_at", "id"):
        changes[change.member_id].append(change)

    def could(member_id: int, at: datetime) -> bool:
        state = states[member_id]
        if mine := changes.get(member_id):
            before = [each.to_state for each in mine if each.occurred_at <= at]
            state = before[-1] if before else mine[0].from_state
        return TABLE[state].earn

    return could


def filled_fields(member: Member) -> set[str]:
    """Return the fields of the profile that say something."""
    return {field for field in WEIGHTS if getattr(member, field)}


def profile_completeness(member: Member) -> int:
    """Return how complete a profile is, in percent; costs no query."""
    return completeness(filled_fields(member))


def offered_interests() -> list[Interest]:
    """Return the vocabulary members choose from now."""
    return list(Interest.objects.filter(is_active=True))


def unknown_interests(codes: Collection[str]) -> set[str]:
    """Return those codes that are not offered, or never were in the vocabulary."""
    offered = Interest.objects.filter(is_active=True, code__in=codes)
    return set(codes) - set(offered.values_list("code", flat=True))


def attribute_definitions(allowed: str = "") -> list[AttributeDefinition]:
    """Return attributes in use with their choices, in two queries.

    Args:
        allowed: ``by_member``, ``by_staff`` or ``by_api``: only those they may write.
    """
    in_use = AttributeDefinition.objects.filter(is_active=True)
    if allowed:
        in_use = in_use.filter(**{allowed: True})
    return list(in_use.prefetch_related("options"))


def agreed(*, member_id: int) -> set[str]:
    """Return the purposes a member agrees to now, by whatever channel."""
    return agreed_purposes(
        {
            (row.purpose, row.channel): row.granted
            for row in current_consents(member_id=member_id)
        }
    )


def attribute_values(*, member_id: int) -> dict[int, AttributeValue]:
    """Return what is kept of a member, by id of the definition.

    For members themselves: they see all of it. Others take ``usable`` values only.
    """
    return {
        value.definition_id: value
        for value in AttributeValue.objects.filter(member_id=member_id)
    }


def addresses_of(*, member_id: int) -> list[Address]:
    """Return a member's addresses, the default first."""
    return list(Address.objects.filter(member_id=member_id))


def avatar_of(*, member_id: int) -> Avatar | None:
    """Return a member's picture, if there is one."""
    return Avatar.objects.filter(member_id=member_id).first()


def avatar_id(*, member_id: int) -> str | None:
    """Return the id of a member's picture, another for every picture, if any."""
    return (
        Avatar.objects.filter(member_id=member_id)
        .values_list("public_id", flat=True)
        .first()
    )


def newest_export(*, member_id: int) -> DataExport | None:
    """Return the copy of their data that was last asked for, if any."""
    return DataExport.objects.filter(member_id=member_id).order_by("-id").first()


def standing_erasures() -> QuerySet[Erasure]:
    """Return erasures that were asked for and not called off."""
    return Erasure.objects.exclude(state=Erasure.State.CANCELLED)


def standing_erasure(*, member_id: int) -> Erasure | None:
    """Return the standing erasure of a member, if any."""
    return standing_erasures().filter(member_id=member_id).first()
