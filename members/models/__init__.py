"""Tables of the members app."""

from members.models.consent import Consent, ConsentText
from members.models.consent_request import ConsentRequest
from members.models.invitation import Invitation, InvitationCode
from members.models.member import Member, MemberTag, Tag
from members.models.note import Note
from members.models.user import User

__all__ = [
    "Consent",
    "ConsentRequest",
    "ConsentText",
    "Invitation",
    "InvitationCode",
    "Member",
    "MemberTag",
    "Note",
    "Tag",
    "User",
]
