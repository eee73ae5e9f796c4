"""Tables of the members app."""

from members.models.consent import Consent
from members.models.member import Member, MemberTag, Tag
from members.models.note import Note
from members.models.session import Session
from members.models.sign_in_code import SignInCode
from members.models.user import User

__all__ = [
    "Consent",
    "Member",
    "MemberTag",
    "Note",
    "Session",
    "SignInCode",
    "Tag",
    "User",
]
