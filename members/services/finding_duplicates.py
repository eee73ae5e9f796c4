"""Find members who may be one person, chunk by chunk."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.blind_index import token_fingerprints
from crm.shared.errors import Refusal
from crm.shared.jobs import enqueue
from crm.shared.models import Job
from members.models import DuplicatePair, MatchKeys, Member, User
from members.rules.duplicates import LEAST_SCORE, Likeness, Traits, likeness, match_keys
from members.services.freezing import ReasonMissing

JOB_KIND = "members.find_duplicates"
#: What match keys are bound to. Never changes, whatever the table is called.
_PLACE = "members_matchkeys.keys"
#: A key shared by more members than this says nothing about any two of them.
MOST_SHARING = 50

#: Each key of each member looks up who else has it, by the GIN index.
_PAIRS = """
WITH mine AS (
    SELECT member_id, unnest(keys) AS key
      FROM members_matchkeys WHERE member_id = ANY(%(members)s)
), met AS (
    SELECT m.member_id AS one, o.member_id AS other,
           count(*) OVER (PARTITION BY m.member_id, m.key) AS sharing
      FROM mine m
     CROSS JOIN LATERAL (
        SELECT k.member_id FROM members_matchkeys k
         WHERE k.keys @> ARRAY[m.key] AND k.member_id <> m.member_id
         LIMIT %(most)s + 1) o
)
SELECT DISTINCT least(one, other), greatest(one, other)
  FROM met
  JOIN members_member p ON p.id = met.other
   AND p.state NOT IN ('merged', 'erased')
 WHERE sharing <= %(most)s AND (%(changed_only)s OR other < one)
   AND NOT EXISTS (
    SELECT 1 FROM members_duplicatepair d
     WHERE d.first_id = least(one, other) AND d.second_id = greatest(one, other)
       AND d.state <> 'open')
"""


class PairDecided(Refusal):
    """This pair has been decided already."""

    code = "duplicate_pair_decided"
    message = _("This pair has been decided already.")


@dataclass(frozen=True, slots=True)
class Searched:
    """What one chunk did; ``last_id`` is where the next begins."""

    last_id: int
    members: int
    pairs: int


def to_search(*, changed_only: bool):
    """Return the members a search looks at.

    Args:
        changed_only: only those who are new or changed since they were looked at.
    """
    members = Member.objects.exclude(state__in=[Member.State.MERGED, "erased"])
    if changed_only:
        known = Q(match_keys__isnull=False, match_keys__version=F("version"))
        members = members.exclude(known)
    return members


@transaction.atomic
def plan_search(*, everybody: bool, owner: User | None, now: datetime) -> Job | None:
    """Queue a search as a job; None when such a one waits or runs already.

    Args:
        everybody: look at all members, not only at those who are new or changed.
        owner: who asked, None for the house itself.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [JOB_KIND]
        )
    params = {"all": everybody}
    open_states = [Job.State.QUEUED, Job.State.RUNNING]
    if Job.objects.filter(kind=JOB_KIND, params=params, state__in=open_states).exists():
        return None
    return enqueue(kind=JOB_KIND, params=params, owner=owner, now=now)


@transaction.atomic
def search_chunk(
    *, after_id: int, changed_only: bool, limit: int = 1_000, now: datetime
) -> Searched:
    """Look for the duplicates of up to ``limit`` members, in a few statements.

    Pairs that were dismissed or merged are left alone for ever; open ones get their
    score anew, and those that are no longer alike go. Safe to repeat.

    Args:
        after_id: members with a greater primary key are looked at.
        changed_only: see ``to_search``; otherwise members meet those before them,
            so that a search of all sees every pair once.
    """
    members = list(
        to_search(changed_only=changed_only)
        .filter(pk__gt=after_id)
        .order_by("pk")
        .defer("name_tokens")[:limit]
    )
    if not members:
        return Searched(after_id, 0, 0)
    ids = [member.pk for member in members]
    _write_keys(members)
    found = _score(_meeting(ids, changed_only=changed_only), members)
    _forget_unlike(ids, found, changed_only=changed_only)
    DuplicatePair.objects.bulk_create(
        (
            DuplicatePair(
                first_id=first,
                second_id=second,
                score=like.score,
                reasons=list(like.reasons),
                found_at=now,
            )
            for (first, second), like in found.items()
        ),
        update_conflicts=True,
        unique_fields=["first", "second"],
        update_fields=["score", "reasons"],
    )
    return Searched(ids[-1], len(ids), len(found))


@transaction.atomic
def dismiss_pair(
    *, pair_id: int, reason: str, actor: User | str, now: datetime
) -> DuplicatePair:
    """Say that a pair are two people; it never comes back. Again is harmless.

    Raises:
        ReasonMissing: ``reason`` is empty.
        PairDecided: they were merged.
    """
    if not reason.strip():
        raise ReasonMissing
    pair = DuplicatePair.objects.select_for_update().get(pk=pair_id)
    if pair.state == DuplicatePair.State.DISMISSED:
        return pair
    if pair.state != DuplicatePair.State.OPEN:
        raise PairDecided
    pair.state, pair.decided_at = DuplicatePair.State.DISMISSED, now
    pair.save(update_fields=["state", "decided_at"])
    record_audit(
        actor=actor, action="duplicates.dismiss", obj=pair, reason=reason, now=now
    )
    return pair


def traits_of(member: Member) -> Traits:
    """Return what is compared of a member, opened."""
    return Traits(
        name=member.name or "",
        phone=member.phone or "",
        email=member.email or "",
        birthday=member.birthday or "",
        gender=member.gender,
        region=member.region,
    )


def _write_keys(members: Iterable[Member]) -> None:
    MatchKeys.objects.bulk_create(
        (
            MatchKeys(
                member=member,
                keys=token_fingerprints(match_keys(traits_of(member)), _PLACE),
                version=member.version,
            )
            for member in members
        ),
        update_conflicts=True,
        unique_fields=["member"],
        update_fields=["keys", "version"],
    )


def _meeting(ids: Sequence[int], *, changed_only: bool) -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            _PAIRS,
            {"members": ids, "most": MOST_SHARING, "changed_only": changed_only},
        )
        return cursor.fetchall()


def _score(
    pairs: Sequence[tuple[int, int]], known: Iterable[Member]
) -> dict[tuple[int, int], Likeness]:
    by_id = {member.pk: member for member in known}
    missing = {pk for pair in pairs for pk in pair} - by_id.keys()
    by_id |= Member.objects.defer("name_tokens").in_bulk(missing)
    traits = {pk: traits_of(by_id[pk]) for pair in pairs for pk in pair}
    likely = {pair: likeness(traits[pair[0]], traits[pair[1]]) for pair in pairs}
    return {pair: like for pair, like in likely.items() if like.score >= LEAST_SCORE}


def _forget_unlike(
    ids: Sequence[int], found: dict[tuple[int, int], Likeness], *, changed_only: bool
) -> None:
    """Delete open pairs of these members that are no longer alike."""
    seen = Q(second__in=ids)
    if changed_only:
        seen |= Q(first__in=ids)
    standing = DuplicatePair.objects.filter(seen, state=DuplicatePair.State.OPEN)
    gone = [
        pk
        for pk, first, second in standing.values_list("pk", "first_id", "second_id")
        if (first, second) not in found
    ]
    DuplicatePair.objects.filter(pk__in=gone).delete()
