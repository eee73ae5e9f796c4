"""Links that work without signing in: unsubscribing, preferences, confirming.

A link carries ids and a signature, never a name or an address. Signatures hold
under ``CRM_SECRET_KEY`` and under ``CRM_OLD_SECRET_KEYS``, so that links in old mails
outlive a change of the key.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.urls import reverse

_UNSUBSCRIBE = "members.unsubscribe"
_PREFERENCES = "members.preferences"
#: A preference page can also grant, so its link grows old; unsubscribing never does.
PREFERENCES_FOR = timedelta(days=90)
_LONGEST_TOKEN = 300


class BadLink(Exception):
    """The link was changed, is cut off, or has grown old."""


@dataclass(frozen=True, slots=True)
class Unsubscription:
    """What one unsubscribe link withdraws, of the member with this public id."""

    member: str
    purpose: str
    channel: str


def unsubscribe_url(*, member: str, purpose: str, channel: str) -> str:
    """Return the address that withdraws one consent; it works for ever."""
    token = signing.dumps([member, purpose, channel], salt=_UNSUBSCRIBE)
    return _absolute("members:unsubscribe", token)


def read_unsubscribe(token: str) -> Unsubscription:
    """Return what an unsubscribe link withdraws.

    Raises:
        BadLink: it is none of ours.
    """
    return Unsubscription(*_read(token, _UNSUBSCRIBE))


def preferences_url(*, member: str) -> str:
    """Return the address of a member's preference page, for 90 days."""
    token = signing.dumps([member], salt=_PREFERENCES)
    return _absolute("members:preferences", token)


def read_preferences(token: str) -> str:
    """Return the public id of the member a preference link is for.

    Raises:
        BadLink: it is none of ours, or older than 90 days.
    """
    (member,) = _read(token, _PREFERENCES, max_age=PREFERENCES_FOR)
    return member


def confirm_url(token: str) -> str:
    """Return the address that opens the second step of a double opt-in."""
    return _absolute("members:confirm-consent", token)


def _read(token: str, salt: str, max_age: timedelta | None = None) -> list[str]:
    if len(token) > _LONGEST_TOKEN:
        raise BadLink
    try:
        return signing.loads(token, salt=salt, max_age=max_age)
    except signing.BadSignature as error:
        raise BadLink from error


def _absolute(name: str, token: str) -> str:
    return settings.PUBLIC_URL + reverse(name, args=[token])
