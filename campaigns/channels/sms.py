"""SMS. No gateway is built in: a shop adds its own class and one line in wiring."""

from campaigns.channels.base import ChannelNotReady
from campaigns.models import Message
from crm.shared.letters import Letter


class SmsChannel:
    """Says that no SMS gateway is configured; see docs/how-to/add-a-channel.md."""

    leaves_the_house = True

    def address_of(self, message: Message) -> str:
        """Return the member's phone number."""
        return message.member.phone or ""

    def send(self, letter: Letter, address: str) -> None:
        """Refuse: there is nobody to hand it to."""
        raise ChannelNotReady("No SMS gateway is configured.")
