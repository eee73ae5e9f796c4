"""Facts the members app publishes. Ids only: a fact holds no personal data."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class MemberJoined:
    """A person became a member."""

    name: ClassVar[str] = "members.MemberJoined"
    member_id: int
    source: str


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
