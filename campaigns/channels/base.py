"""What every channel does."""

from typing import Protocol

from campaigns.models import Message


class ChannelNotReady(Exception):
    """The channel is not configured; the docstring of its class says how."""


class Channel(Protocol):
    """Carries one message to one address.

    ``send`` may be called again with the same message after a crash; a channel whose
    provider takes a key hands it ``message.public_id``.
    """

    #: Whether somebody else carries the message: then marketing needs a consent, and
    #: demo people get nothing.
    leaves_the_house: bool

    def address_of(self, message: Message) -> str:
        """Return where to, or an empty string if the member has no such address."""
        ...

    def send(self, message: Message, address: str) -> None:
        """Hand the message over; raise on any failure."""
        ...
