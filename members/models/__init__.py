"""Tables of the members app."""

from members.models.consent import Consent
from members.models.external_identity import ExternalIdentity
from members.models.instrument import (
    PaymentInstrument,
    Verification,
    VerificationResult,
)
from members.models.member import Member, MemberTag, Tag
from members.models.note import Note
from members.models.user import User

__all__ = [
    "Consent",
    "ExternalIdentity",
    "Member",
    "MemberTag",
    "Note",
    "PaymentInstrument",
    "Tag",
    "User",
    "Verification",
    "VerificationResult",
]
