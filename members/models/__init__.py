"""Tables of the members app."""

from members.models.consent import Consent
from members.models.duplicate import DuplicatePair, MatchKeys
from members.models.member import Member, MemberTag, Tag
from members.models.merge import Merge
from members.models.note import Note
from members.models.user import User

__all__ = [
    "Consent",
    "DuplicatePair",
    "MatchKeys",
    "Member",
    "MemberTag",
    "Merge",
    "Note",
    "Tag",
    "User",
]
