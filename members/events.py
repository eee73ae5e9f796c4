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
class MemberErased:
    """A person was forgotten; what is left is a number in the books."""

    name: ClassVar[str] = "members.MemberErased"
    member_id: int
