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
class InstrumentVerified:
    """A verifier answered about a member's payment instrument."""

    name: ClassVar[str] = "members.InstrumentVerified"
    member_id: int
    instrument_id: int
    passed: bool
