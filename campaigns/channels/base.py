"""What every channel does."""

from typing import Protocol

from campaigns.models import Message
from crm.shared.letters import Letter


class ChannelNotReady(Exception):
    """The channel is not configured; the docstring of its class says how."""


class Channel(Protocol):
    """Carries one letter to one address.

    ``send`` may be called again with the same letter after a crash; a channel whose
    provider takes a key hands it ``letter.public_id``.
    """

    #: Whether somebody else carries the message: then marketing needs a consent, and
    #: demo people get nothing.
    leaves_the_house: bool

    def address_of(self, message: Message) -> str:
        """Return where to, or an empty string if the member has no such address."""
        ...

    def send(self, letter: Letter, address: str) -> None:
        """Hand the letter over; raise on any failure."""
        ...
