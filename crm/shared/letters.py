"""What a channel carries: text for one person, and the ways to want no more of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WaysOut:
    """Links that work without signing in; whatever needs a consent has them."""

    unsubscribe_url: str
    preferences_url: str


@dataclass(frozen=True, slots=True)
class Letter:
    """One message as a channel sees it, to a member or to somebody not yet one.

    A provider that takes a key against repeats is handed ``public_id``.
    """

    public_id: str
    subject: str
    body: str
    language: str
    ways_out: WaysOut | None = None
