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
