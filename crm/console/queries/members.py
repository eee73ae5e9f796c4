"""Find members, and say as much of them as the reader may see."""

import re

from django.db.models import Q, QuerySet

from crm.console.rules.masking import mask_name
from crm.shared.blind_index import blind_lookup, blind_tokens_lookup
from members.models import Member
from members.queries import or_who_stayed
from members.rules.numbers import is_member_number

_NUMBER = re.compile(r"[Mm][0-9]*")
_TAIL = re.compile(r"[0-9]{4}")
_PHONE = re.compile(r"[+0-9][0-9 ()-]{6,24}")


def member_condition(text: str, *, personal: bool = True) -> Q:
    """Return the filter for what staff typed into a search box.

    The shape of the text decides the one index that is asked: the beginning of a
    member number, the last four digits of a phone, a whole phone, an e-mail
    address, or parts of a name (characters, words, pinyin or its initials). What
    belonged to a merged member finds who stayed.

    Args:
        text: as typed.
        personal: whether phones, addresses and names are looked at. Whoever may not
            see them must not find out whose they are either.
    """
    text = text.strip()
    one = _of_one(text, personal=personal)
    if one is not None:
        return or_who_stayed(one)
    if _NUMBER.fullmatch(text) and len(text) > 1:
        return Q(number__startswith=text.upper())
    if not personal:
        return Q(pk__in=[])
    if _TAIL.fullmatch(text):
        return blind_lookup(Member, "phone_tail_index", text)
    return blind_tokens_lookup(Member, "name_tokens", text)


def _of_one(text: str, *, personal: bool) -> Q | None:
    """Return the filter for what belongs to one member; None for another text."""
    if is_member_number(text.upper()):
        return Q(number=text.upper())
    if text.startswith("mem_"):
        return Q(public_id=text)
    if personal and "@" in text:
        return blind_lookup(Member, "email_index", text)
    if personal and _PHONE.fullmatch(text):
        return blind_lookup(Member, "phone_index", text)
    return None


def find_members(text: str, *, personal: bool = True) -> QuerySet[Member]:
    """Return members found by ``member_condition``, newest first."""
    return Member.objects.filter(member_condition(text, personal=personal)).order_by(
        "-joined_at", "-id"
    )


def may_see_names(user) -> bool:
    """Whether names stand in clear for this login."""
    return user.has_perm("members.view_pii")


def may_see_masked(user) -> bool:
    """Whether this login sees of a person at least a first character."""
    return may_see_names(user) or user.has_perm("members.view_masked")


def shown_name(member: Member, user) -> str:
    """Return the name as this login may see it: whole, masked, or not at all."""
    if may_see_names(user):
        return member.name or ""
    return mask_name(member.name) if may_see_masked(user) else ""
