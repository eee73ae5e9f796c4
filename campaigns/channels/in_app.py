"""The member's inbox in the storefront: stored is delivered."""

from campaigns.models import Message
from crm.shared.letters import Letter


class InAppChannel:
    """Messages the storefront shows; nothing leaves the house."""

    leaves_the_house = False

    def address_of(self, message: Message) -> str:
        """Return the member's public id: every member has an inbox."""
        return message.member.public_id

    def send(self, letter: Letter, address: str) -> None:
        """Do nothing: ``GET /me/notifications`` reads the row itself."""
