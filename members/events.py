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
class MemberStateChanged:
    """A membership moved from state to state; facts of one member keep their order."""

    name: ClassVar[str] = "members.MemberStateChanged"
    member_id: int
    change_id: int
    from_state: str
    to_state: str

    @property
    def key(self) -> str:
        """Return the member's place in the queue."""
        return f"member:{self.member_id}"


@dataclass(frozen=True, slots=True)
class ProfileCompleted:
    """A member filled in the whole profile, for the first time ever."""

    name: ClassVar[str] = "members.ProfileCompleted"
    member_id: int


@dataclass(frozen=True, slots=True)
class InstrumentVerified:
    """A verifier answered about a member's payment instrument."""

    name: ClassVar[str] = "members.InstrumentVerified"
    member_id: int
    instrument_id: int
    passed: bool


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


@dataclass(frozen=True, slots=True)
class MemberErased:
    """A person was forgotten; what is left is a number in the books."""

    name: ClassVar[str] = "members.MemberErased"
    member_id: int


@dataclass(frozen=True, slots=True)
class MembersMerged:
    """Two members became one: what the loser had is the winner's."""

    name: ClassVar[str] = "members.MembersMerged"
    merge_id: int
    winner_id: int
    loser_id: int


@dataclass(frozen=True, slots=True)
class MergeUndone:
    """Two members who had become one are two again."""

    name: ClassVar[str] = "members.MergeUndone"
    merge_id: int
    winner_id: int
    loser_id: int
