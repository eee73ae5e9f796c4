"""What stands where a login's e-mail address would stand.

A login is found by its address, and django-allauth keeps addresses as plain text.
So it is given an alias instead: a keyed fingerprint, worthless without the index
key (docs/adr/0006-sign-in-identifiers.md). The address itself is read from
``Member.email``, where it is encrypted.
"""

from crm.shared.blind_index import fingerprint, fingerprints
from members.models import Member, User
from members.rules.identity import normalise_email

#: RFC 2606 keeps ``.invalid`` from ever being a domain: no mail can go astray.
DOMAIN = "id.invalid"
#: What the fingerprint is bound to. Never changes, whatever the table is called.
_PLACE = "members_user.email"
_PHONE_PLACE = "members_user.phone"


def email_alias(email: str) -> str:
    """Return the alias under which a new login for ``email`` is kept."""
    return _address(fingerprint(normalise_email(email), _PLACE))


def phone_alias(phone: str) -> str:
    """Return what allauth is shown in place of a phone in E.164."""
    return f"phone-{fingerprint(phone, _PHONE_PLACE).hex()}"


def known_alias(email: str) -> str:
    """Return the alias under which a login for ``email`` may stand already.

    While index keys change a login may still carry the alias of an older key; when
    no login is found the newest alias is returned. The alias may be renewed between
    this answer and its use; who then finds nobody asks again.
    """
    aliases = [_address(mark) for mark in fingerprints(normalise_email(email), _PLACE)]
    newest = email_alias(email)
    if len(aliases) == 1:
        return newest
    standing = set(
        User.objects.filter(email__in=aliases).values_list("email", flat=True)
    )
    return next((alias for alias in aliases if alias in standing), newest)


def is_alias(email: str) -> bool:
    """Return whether this is an alias and not an address."""
    return email.endswith(f"@{DOMAIN}")


def address_behind(alias: str) -> str | None:
    """Return the address of the member whose login carries ``alias``, if any."""
    member = Member.objects.filter(user__email=alias).first()
    return member.email if member else None


def _address(mark: bytes) -> str:
    return f"{mark.hex()}@{DOMAIN}"
