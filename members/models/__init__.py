"""Tables of the members app."""

from members.models.address import Address
from members.models.attribute import (
    AttributeChoice,
    AttributeDefinition,
    AttributeValue,
    Interest,
)
from members.models.avatar import Avatar
from members.models.consent import Consent, ConsentText
from members.models.consent_request import ConsentRequest
from members.models.duplicate import DuplicatePair, MatchKeys
from members.models.external_identity import ExternalIdentity
from members.models.instrument import (
    PaymentInstrument,
    Verification,
    VerificationResult,
)
from members.models.invitation import Invitation, InvitationCode
from members.models.lifecycle import LifecycleChange, ProfileCompletion
from members.models.member import Member, MemberTag, Tag
from members.models.merge import Merge
from members.models.note import Note
from members.models.privacy import DataExport, Erasure, RetentionRun, RevealBudget
from members.models.session import Session
from members.models.sign_in_code import SignInCode
from members.models.user import User

__all__ = [
    "Address",
    "AttributeChoice",
    "AttributeDefinition",
    "AttributeValue",
    "Avatar",
    "Consent",
    "ConsentRequest",
    "ConsentText",
    "DataExport",
    "DuplicatePair",
    "Erasure",
    "ExternalIdentity",
    "Interest",
    "Invitation",
    "InvitationCode",
    "LifecycleChange",
    "MatchKeys",
    "Member",
    "MemberTag",
    "Merge",
    "Note",
    "PaymentInstrument",
    "ProfileCompletion",
    "RetentionRun",
    "RevealBudget",
    "Session",
    "SignInCode",
    "Tag",
    "User",
    "Verification",
    "VerificationResult",
]
