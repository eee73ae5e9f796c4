"""Make one member of two."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.blind_index import fingerprint
from crm.shared.collisions import in_transaction
from crm.shared.errors import Refusal
from crm.shared.outbox import record
from crm.shared.public_ids import new_public_id
from members.events import MembersMerged
from members.models import Member, Merge, User
from members.rules.lifecycle import MERGED, may_move
from members.rules.merging import FIELDS
from members.services.freezing import ReasonMissing
from members.services.movers import MergeCase, mergers

_PLACE = "members_merge.fields"


class CannotMerge(Refusal):
    """These two cannot be merged: one of them is merged or erased already."""

    code = "members_cannot_merge"
    message = _("These two cannot be merged: one of them is merged or erased already.")


class SameMember(Refusal):
    """A member cannot be merged with themselves."""

    code = "same_member"
    status = 422
    message = _("A member cannot be merged with themselves.")


@dataclass(frozen=True, slots=True)
class MergePreview:
    """What a merge would move: label, what the loser has, what the winner has."""

    rows: list[tuple[Any, int, int]]


def preview_merge(*, loser_id: int, winner_id: int) -> MergePreview:
    """Return what each of two members owns, by app; writes nothing."""
    rows: list[tuple[Any, int, int]] = []
    for merger in mergers():
        pairs = zip(merger.shares(loser_id), merger.shares(winner_id), strict=True)
        rows += [(one.label, one.count, other.count) for one, other in pairs]
    return MergePreview(rows)


def merge_members(
    *,
    loser_id: int,
    winner_id: int,
    take: Collection[str] = (),
    reason: str,
    actor: User | str,
    now: datetime,
) -> Merge:
    """Make one member of two: all the loser owns becomes the winner's.

    Everything or nothing. Asked again, the merge that stands is returned. The loser's
    row stays as ``merged`` and leads to the winner: by its number, its login, its
    phone. It can be undone for 30 days.

    Args:
        take: fields of ``rules.merging.FIELDS`` in which the loser's value counts; the
            two values change places, so that nothing is lost.
        reason: why, for the audit trail.

    Raises:
        ReasonMissing: ``reason`` is empty.
        SameMember, CannotMerge: as they say.
    """
    if not reason.strip():
        raise ReasonMissing
    if loser_id == winner_id:
        raise SameMember
    unknown = set(take) - FIELDS.keys()
    if unknown:
        raise ValueError(f"{sorted(unknown)} cannot be chosen in a merge.")
    return in_transaction(
        lambda: _merge(
            MergeCase(loser_id, winner_id, new_public_id("mrg"), now),
            take=sorted(take),
            reason=reason.strip(),
            actor=actor,
        )
    )


def lock_pair(case: MergeCase) -> tuple[Member, Member]:
    """Lock two members and what their mergers name; return loser and winner.

    The order is that of the house: carts (checkouts lock them first), members,
    accounts. In the end nobody can add a row for either member until the commit, and
    who was just adding one is waited for.
    """
    for merger in mergers():
        merger.lock_first(case)
    members = Member.objects.filter(pk__in=case.member_ids).order_by("pk")
    list(members.select_for_update(no_key=True).values_list("pk", flat=True))
    for merger in mergers():
        merger.lock(case)
    found = {member.pk: member for member in members.select_for_update()}
    if len(found) < len(case.member_ids):
        raise Member.DoesNotExist
    return found[case.loser_id], found[case.winner_id]


@transaction.atomic
def _merge(
    case: MergeCase, *, take: list[str], reason: str, actor: User | str
) -> Merge:
    loser, winner = lock_pair(case)
    if loser.merged_into_id == winner.pk:
        return Merge.objects.get(loser=loser, state=Merge.State.DONE)
    if not (may_move(loser.state, MERGED) and may_move(winner.state, MERGED)):
        raise CannotMerge
    moved = {merger.name: merger.move(case) for merger in mergers()}
    absorbed = loser.absorbed.order_by("pk")
    moved["absorbed"] = list(absorbed.values_list("pk", flat=True))
    absorbed.update(merged_into=winner)
    merge = Merge.objects.create(
        public_id=case.source,
        winner=winner,
        loser=loser,
        loser_state=loser.state,
        reason=reason[:200],
        actor=actor if isinstance(actor, str) else actor.get_username(),
        merged_at=case.now,
    )
    loser.state, loser.merged_into = Member.State.MERGED, winner
    swap_fields(one=loser, other=winner, fields=take)
    merge.moved = moved
    merge.fields = {name: mark_of(winner, field=name) for name in take}
    merge.save(update_fields=["moved", "fields"])
    record_audit(
        actor=actor,
        action="members.merge",
        obj=winner,
        reason=reason,
        detail={
            "merge": merge.public_id,
            "loser": loser.public_id,
            "taken": dict.fromkeys(take, "changed"),
        },
        now=case.now,
    )
    record(MembersMerged(merge_id=merge.pk, winner_id=winner.pk, loser_id=loser.pk))
    return merge


def swap_fields(*, one: Member, other: Member, fields: Collection[str]) -> None:
    """Let two locked members change places in some fields, and write both.

    Identifiers are unique: the first row lets go of them before the other takes them.
    """
    names = [name for field in fields for name in FIELDS[field]]
    ones = {name: getattr(one, name) for name in names}
    others = {name: getattr(other, name) for name in names}
    for name in names:
        empty = "" if name in {"gender", "region", "language"} else None
        setattr(one, name, empty)
    one.version += 1
    other.version += 1
    state = ["state", "merged_into", "version"]
    one.save(update_fields=[*names, *state])
    for name in names:
        setattr(other, name, ones[name])
    other.save(update_fields=[*names, "version"])
    for name in names:
        setattr(one, name, others[name])
    if names:
        one.save(update_fields=names)


def mark_of(member: Member, *, field: str) -> str:
    """Return a keyed fingerprint of a field: tells later whether it was changed."""
    text = "\0".join(str(getattr(member, name) or "") for name in FIELDS[field])
    return fingerprint(text, f"{_PLACE}.{field}").hex()
