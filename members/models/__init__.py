"""Tables of the members app."""

from members.models.consent import Consent
from members.models.member import Member, MemberTag, Tag
from members.models.note import Note
from members.models.privacy import DataExport, Erasure, RetentionRun, RevealBudget
from members.models.user import User

__all__ = [
    "Consent",
    "DataExport",
    "Erasure",
    "Member",
    "MemberTag",
    "Note",
    "RetentionRun",
    "RevealBudget",
    "Tag",
    "User",
]
