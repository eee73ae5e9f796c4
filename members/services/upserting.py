"""Create or update a member by the number they have in another system."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import Q

from members.models import Member
from members.queries import or_who_stayed
from members.services.checking import AlreadyMember
from members.services.consenting import MembershipOver, Statement, record_consents
from members.services.correcting import StaleMember, correct_member
from members.services.joining import join

#: Why programs write consents down; where they got them ``source`` says.
_REASON = "server API"


@dataclass(frozen=True, slots=True)
class GivenConsent:
    """What a member said elsewhere, to which text, and where."""

    purpose: str
    channel: str
    granted: bool
    text_version: str
    source: str


@dataclass(frozen=True, slots=True)
class Upserted:
    """The member, and whether they are new."""

    member: Member
    created: bool


@transaction.atomic
def upsert_member(
    *,
    source: str,
    external_id: str,
    values: Mapping[str, Any],
    consents: Iterable[GivenConsent] = (),
    invitation_code: str = "",
    is_new: bool = True,
    version: int | None = None,
    actor: str,
    now: datetime,
) -> Upserted:
    """Make the member ``external_id`` of ``source`` what the other system says.

    Everything is written or nothing. Values that are not named stay; an empty one
    clears. Saying the same again writes nothing.

    Args:
        source: the other system, such as ``erp``.
        external_id: the member's number there.
        values: name, phone, email, birthday, gender, region, language.
        consents: what the member said there.
        invitation_code: code of who brought them; looked at when they are new.
        is_new: no for who was a member there already and gets no welcome.
        version: the version the caller saw; then the member must be there.
        actor: the program, for the audit trail.
        now: when, aware.

    Raises:
        AlreadyMember: phone or e-mail belongs to a member with another number; the
            parameter ``field`` says which.
        StaleMember: the member has another version by now, or is not there.
        MembershipOver: the membership has ended.
        BadProfile: a value cannot be kept.
        UnknownInvitation: the code is nobody's.
    """
    about = {"source": source, "external_id": external_id}
    member = _known(about)
    created = False
    if member is None:
        if version is not None:
            raise StaleMember
        given = {name: value for name, value in values.items() if value is not None}
        given |= {"invitation_code": invitation_code, "is_new": is_new}
        try:
            member, created = join(**about, **given, now=now), True
        except AlreadyMember:
            # A rival may have made the same member in this moment, and been noticed by
            # any of its identifiers: then what is left to do is an update.
            member = _known(about)
            if member is None:
                raise
    if not created:
        member = _update(member, values, version=version, actor=actor, now=now)
    _record(member, consents, actor=actor, now=now)
    return Upserted(member, created)


def _known(about: Mapping[str, str]) -> Member | None:
    known = or_who_stayed(Q(**about))
    return Member.objects.select_for_update().filter(known).first()


def _update(
    member: Member,
    values: Mapping[str, Any],
    *,
    version: int | None,
    actor: str,
    now: datetime,
) -> Member:
    if not member.may_sign_in:
        raise MembershipOver
    return correct_member(
        member_id=member.pk,
        changes=values,
        version=version,
        actor=actor,
        reason=_REASON,
        now=now,
    )


def _record(
    member: Member, consents: Iterable[GivenConsent], *, actor: str, now: datetime
) -> None:
    for (text_version, source), said in groupby(
        consents, key=lambda given: (given.text_version, given.source)
    ):
        record_consents(
            member_id=member.pk,
            statements=[
                Statement(each.purpose, each.channel, each.granted) for each in said
            ],
            text_version=text_version,
            source=source,
            actor=actor,
            reason=_REASON,
            now=now,
        )
