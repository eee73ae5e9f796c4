"""Whose membership somebody enters who proved a phone or an address. Plain Python.

What a member typed into their profile proves nothing: otherwise one could write
a stranger's number into one's own profile, wait for the stranger to sign in with
it, and share the membership (account pre-hijacking).
"""

from enum import Enum


class Claim(Enum):
    """What happens to the membership that names the proved contact."""

    #: It is theirs: they come in.
    ENTER = "enter"
    #: It is theirs; whoever held the login without proof is put out.
    OUST = "oust"
    #: It is somebody else's: that one loses the contact, the caller joins anew.
    RELEASE = "release"


def claim_of(
    *,
    is_phone: bool,
    verified: bool,
    has_login: bool,
    proved_otherwise: bool,
    way_in_left: bool,
) -> Claim:
    """Return what proving a contact means for the membership that names it.

    Args:
        is_phone: a phone and not an e-mail address, which is also a sign-in name.
        verified: this member proved this contact before.
        has_login: somebody can sign in to the membership.
        proved_otherwise: its holder proved another contact or identity.
        way_in_left: without this contact they could still sign in.
    """
    if verified or not has_login:
        return Claim.ENTER
    if way_in_left and (is_phone or proved_otherwise):
        return Claim.RELEASE
    return Claim.OUST
