"""Facts the members app publishes. Ids only: a fact holds no personal data."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class MemberJoined:
    """A person became a member; ``is_new`` is false for who was one elsewhere."""

    name: ClassVar[str] = "members.MemberJoined"
    member_id: int
    source: str
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class ConsentRequested:
    """A member's yes waits for a link to be sent and followed; ``send`` counts them."""

    name: ClassVar[str] = "members.ConsentRequested"
    request_id: int
    send: int


@dataclass(frozen=True, slots=True)
class InvitationAccepted:
    """A member joined with the code of another."""

    name: ClassVar[str] = "members.InvitationAccepted"
    inviter_id: int
    invitee_id: int
